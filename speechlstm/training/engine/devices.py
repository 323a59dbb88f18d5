"""What Keras computes on."""

import ctypes
import platform

import keras

from speechlstm.training.layers.recurrent import RecurrentLayer

_NO_GPU = "not used: {} sees no GPU"
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's mallopt


def describe_devices() -> dict[str, str]:
    """Keras' backend, its devices, and what runs the recurrent layers there."""
    backend = keras.backend.backend()
    describe = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}[backend]
    devices, cudnn = describe()
    return {
        "Keras backend": f"{backend} (KERAS_BACKEND chooses another)",
        "devices": ", ".join(["CPU", *devices]),
        "LSTM layers": RecurrentLayer(1).engine,
        "cuDNN": cudnn,
    }


def keep_freed_memory() -> None:
    """Let glibc keep the memory that is freed, for each step needs as much again.

    By default large arrays go back to the system at once, and the next step faults their pages in
    anew: that took torch a third of its time (16 x 10 s in bfloat16, two cores).
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)


def _tensorflow() -> tuple[list[str], str]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in gpus]
    build = tf.sysconfig.get_build_info()
    if gpus:
        return names, _used(build.get("cudnn_version", "of unknown version"))
    if not build.get("is_cuda_build"):
        return names, f"{_NO_GPU.format('TensorFlow')}, it is built without CUDA"
    return names, (
        f"{_NO_GPU.format('TensorFlow')}; if there is one, look for its driver and run: "
        "pip install 'tensorflow[and-cuda]'"
    )


def _torch() -> tuple[list[str], str]:
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if not names:
        return names, _NO_GPU.format("torch")
    if not torch.backends.cudnn.is_available():
        return names, "not used: this torch is built without it"
    return names, _used(torch.backends.cudnn.version())


def _jax() -> tuple[list[str], str]:
    import jax

    names = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    return names, "not used: on jax an LSTM is a scan that XLA compiles"


def _used(version: object) -> str:
    return f"{version}, used by lstm and gru layers without recurrent dropout"
