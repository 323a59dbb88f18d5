"""Everything Keras: features, network, loss, data, training loop, export (extra ``train``).

Raises:
    MissingDependencyError: Keras or its backend is not installed.
"""

import os

from speechlstm.errors import MissingDependencyError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it once, when imported

try:
    import keras as keras
except ModuleNotFoundError as error:
    raise MissingDependencyError(error.name or "keras", "train") from error
