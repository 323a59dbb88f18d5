"""Everything Keras: features, network, loss, data, training loop, export (extra ``train``).

Raises:
    MissingDependencyError: Keras or its backend is not installed.
    ConfigError: KERAS_BACKEND names none.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from speechlstm.errors import ConfigError, MissingDependencyError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it once, when imported


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Drop what C++ writes to stderr: TensorFlow's import talks there at any log level.

    See https://github.com/tensorflow/tensorflow/issues/100442; exceptions pass as ever.
    """
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


try:
    with _without_stderr():
        import keras as keras
except ModuleNotFoundError as error:
    raise MissingDependencyError(error.name or "keras") from error
except ValueError as error:  # of a backend that there is not
    raise ConfigError(f"KERAS_BACKEND={os.environ.get('KERAS_BACKEND')}: {error}") from error
