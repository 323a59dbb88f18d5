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

try:
    import keras as keras
except ModuleNotFoundError as error:
    raise MissingDependencyError(error.name or "keras") from error
except ValueError as error:  # of a backend that there is not
    raise ConfigError(f"KERAS_BACKEND={os.environ.get('KERAS_BACKEND')}: {error}") from error

if TYPE_CHECKING:
    from speechlstm.training.acoustic.export import export
    from speechlstm.training.acoustic.recipe import resume, train

BACKENDS = ("tensorflow", "torch", "jax")

if keras.backend.backend() not in BACKENDS:
    raise ConfigError(
        f"Keras runs on {keras.backend.backend()}, which cannot train: set the environment "
        f"variable KERAS_BACKEND to one of {', '.join(BACKENDS)}"
    )

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
