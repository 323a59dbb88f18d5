"""Whether Keras computes on a GPU."""

import keras


def has_gpu() -> bool:
    """Whether Keras' backend sees a GPU, on which it then computes.

    >>> has_gpu() in (True, False)
    True
    """
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            return bool(tf.config.list_logical_devices("GPU"))
        case "torch":
            import torch

            return bool(torch.cuda.is_available())
        case _:
            import jax

            return any(device.platform == "gpu" for device in jax.devices())
