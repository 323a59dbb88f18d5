"""Training with Keras: features, networks, losses, data, training loop, export (extra ``train``).

    from speechlstm.training import export, train

    run = train("train.jsonl", "valid.jsonl", "runs/mine")
    export(run, "mine")

Raises:
    MissingDependencyError: Keras or its backend is not installed.
    ConfigError: KERAS_BACKEND names an unknown backend, or one that cannot train.
"""

import os
from typing import TYPE_CHECKING, Any

from speechlstm.errors import ConfigError, MissingDependencyError

BACKENDS = ("tensorflow", "torch", "jax")


def _refuse_other_backends(name: str) -> None:
    if name not in BACKENDS:
        raise ConfigError(
            f"KERAS_BACKEND: the backend {name!r} cannot train: set this environment variable to "
            f"one of {', '.join(BACKENDS)}"
        )


_refuse_other_backends(os.environ.get("KERAS_BACKEND") or "tensorflow")
try:
    import keras as keras
except ModuleNotFoundError as error:
    raise MissingDependencyError(error.name or "keras") from error
_refuse_other_backends(keras.backend.backend())  # ~/.keras/keras.json may name another one

if TYPE_CHECKING:
    from speechlstm.training.acoustic.export import export as export
    from speechlstm.training.acoustic.planning import plan as plan
    from speechlstm.training.acoustic.recipe import resume as resume
    from speechlstm.training.acoustic.recipe import train as train
    from speechlstm.training.adaptation.adapt import adapt as adapt
    from speechlstm.training.classification.export import export_classifier as export_classifier
    from speechlstm.training.classification.recipe import resume_classifier as resume_classifier
    from speechlstm.training.classification.recipe import train_classifier as train_classifier

_MODULES = {
    "adapt": "adaptation.adapt",
    "export": "acoustic.export",
    "export_classifier": "classification.export",
    "plan": "acoustic.planning",
    "resume": "acoustic.recipe",
    "resume_classifier": "classification.recipe",
    "train": "acoustic.recipe",
    "train_classifier": "classification.recipe",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    """Import a public function on first use, since export needs TensorFlow."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
