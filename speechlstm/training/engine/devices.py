"""The devices that Keras computes on, and how the process keeps its memory."""

import ctypes
import platform
import shutil
import sys
from importlib.util import find_spec
from typing import Any

import keras

from speechlstm.config import Precision
from speechlstm.training.data.prefetch import Batch
from speechlstm.training.layers.accelerator import has_gpu
from speechlstm.training.layers.recurrent import RecurrentLayer

_NO_GPU = "not used: {} sees no GPU"
_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8  # parameters of glibc's mallopt


def describe_devices() -> dict[str, str]:
    """Describe Keras' backend, its devices, and the code that runs the recurrent layers.

    Returns:
        Texts by the name of what they describe, in the order to print them.

    >>> list(describe_devices())
    ['Keras backend', 'devices', 'LSTM layers', 'cuDNN', 'training']
    """
    backend = keras.backend.backend()
    describe = {"tensorflow": _tensorflow, "torch": _torch, "jax": _jax}[backend]
    devices, cudnn = describe()
    return {
        "Keras backend": f"{backend} (KERAS_BACKEND chooses another)",
        "devices": ", ".join(["CPU", *devices]),
        "LSTM layers": RecurrentLayer(1).engine,
        "cuDNN": cudnn,
        "training": "; ".join(
            filter(None, [f"on {(devices or ['the CPU'])[0]}", faster_backend()])
        ),
    }


def faster_backend(precision: Precision = "bfloat16") -> str | None:
    """Which installed backend would train faster than the current one; None: none is known to."""
    backend = keras.backend.backend()
    if backend == "torch" or not find_spec("torch"):
        return None
    how = "set the environment variable KERAS_BACKEND=torch"
    if not has_gpu():
        if shutil.which("nvidia-smi"):
            return f"{backend} does not see this machine's GPU, torch may: {how}"
        # Measured by scripts/benchmarks/training.py; in float32 the two are nearly equal.
        is_slower = backend == "tensorflow" and precision == "bfloat16"
        return f"in bfloat16, torch is 1.3 times as fast on a CPU: {how}" if is_slower else None
    return (
        f"torch starts sooner, since jax compiles for each shape: {how}"
        if backend == "jax"
        else None
    )


def on_gpu(batch: Batch) -> Batch:
    """A batch on the GPU, if there is one; called by the threads that prepare batches.

    torch's CTC reads lengths on the host, so targets that are numbers of something stay there. jax
    places batches itself, on several devices perhaps.
    """
    backend = keras.backend.backend()
    if backend == "jax" or not has_gpu():
        return batch
    inputs, targets = batch
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.device("/GPU:0"):
            placed: Batch = keras.tree.map_structure(tf.convert_to_tensor, batch)
        return placed
    import torch

    stream = torch.cuda.Stream()  # a copy on the stream of the training would wait for its step
    with torch.cuda.stream(stream):

        def moved(array: Any) -> Any:
            return torch.from_numpy(array).pin_memory().to("cuda", non_blocking=True)

        inputs = {key: moved(array) for key, array in inputs.items()}
        targets = {k: a if k.startswith("num_") else moved(a) for k, a in targets.items()}
    stream.synchronize()
    return inputs, targets


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next training step, which needs the same amount.

    By default glibc returns large arrays to the system at once, and the next step has to map their
    pages again, which took a third of torch's time (16 x 10 s of audio in bfloat16, two cores).
    Threads share one arena, since glibc returns those of other threads whatever the threshold: the
    threads that prepare batches for a GPU spent a third of their time on mapping pages. Does
    nothing with another C library.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)
        libc.mallopt(_M_ARENA_MAX, 1)


def peak_memory() -> dict[str, int]:
    """The largest memory so far in bytes: of this process, if the system tells, and of each GPU.

    >>> all(size > 0 for size in peak_memory().values())
    True
    """
    peaks = {}
    if sys.platform != "win32":
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peaks["process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return (
        peaks
        | {"tensorflow": _tensorflow_peaks, "torch": _torch_peaks, "jax": _jax_peaks}[
            keras.backend.backend()
        ]()
    )


def _tensorflow_peaks() -> dict[str, int]:
    import tensorflow as tf

    names = [device.name.split(":", 1)[1] for device in tf.config.list_logical_devices("GPU")]
    return {name: tf.config.experimental.get_memory_info(name)["peak"] for name in names}


def _torch_peaks() -> dict[str, int]:
    import torch

    count = torch.cuda.device_count()
    return {f"GPU:{index}": torch.cuda.max_memory_allocated(index) for index in range(count)}


def _jax_peaks() -> dict[str, int]:
    import jax

    gpus = [device for device in jax.devices() if device.platform == "gpu"]
    return {f"GPU:{d.id}": (d.memory_stats() or {}).get("peak_bytes_in_use", 0) for d in gpus}


def _tensorflow() -> tuple[list[str], str]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in gpus]
    build = tf.sysconfig.get_build_info()
    if gpus:
        return names, _used(build.get("cudnn_version", "of unknown version"))
    if not build.get("is_cuda_build"):
        return names, f"{_NO_GPU.format('TensorFlow')}, which is built without CUDA"
    return names, (
        f"{_NO_GPU.format('TensorFlow')}; if this machine has one, install its driver and run: "
        "pip install 'tensorflow[and-cuda]'"
    )


def _torch() -> tuple[list[str], str]:
    import torch

    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    if not names:
        return names, _NO_GPU.format("torch")
    if not torch.backends.cudnn.is_available():
        return names, "not used: this torch is built without cuDNN"
    return names, _used(torch.backends.cudnn.version())


def _jax() -> tuple[list[str], str]:
    import jax

    names = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    return names, "not used: with jax, XLA compiles an LSTM as a scan"


def _used(version: object) -> str:
    return f"{version}, used by lstm and gru layers without recurrent dropout"
