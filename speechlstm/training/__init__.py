"""Everything Keras: features, network, loss, data, training loop, export (extra ``train``).

    from speechlstm.training import export, train

    run = train("train.jsonl", "valid.jsonl", "runs/mine")
    export(run, "mine")

Raises:
    MissingDependencyError: Keras or its backend is not installed.
    ConfigError: KERAS_BACKEND names none, or one that cannot train.
"""

import os
from typing import TYPE_CHECKING, Any

from speechlstm.errors import ConfigError, MissingDependencyError

BACKENDS = ("tensorflow", "torch", "jax")


def _refuse_other_backends(name: str) -> None:
    if name not in BACKENDS:
        raise ConfigError(
            f"Keras' backend {name!r} cannot train: set the environment variable KERAS_BACKEND to "
            f"one of {', '.join(BACKENDS)}"
        )


_refuse_other_backends(os.environ.get("KERAS_BACKEND") or "tensorflow")
try:
    import keras as keras
except ModuleNotFoundError as error:
    raise MissingDependencyError(error.name or "keras") from error
_refuse_other_backends(keras.backend.backend())  # Keras' own file may name another

if TYPE_CHECKING:
    from speechlstm.training.acoustic.export import export
    from speechlstm.training.acoustic.recipe import resume, train

__all__ = ["export", "resume", "train"]

_MODULES = {"export": "export", "resume": "recipe", "train": "recipe"}


def __getattr__(name: str) -> Any:
    """The public functions, imported when they are asked for: export needs TensorFlow."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.acoustic.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
