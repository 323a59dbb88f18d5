import platform
import resource
from typing import Any

import pytest
import tensorflow as tf

from speechlstm.training.engine import devices
from speechlstm.training.engine.devices import (
    describe_devices,
    faster_backend,
    keep_freed_memory,
    on_gpu,
)


def test_a_machine_without_a_gpu() -> None:
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has one")
    found = describe_devices()
    assert found["Keras backend"].startswith("tensorflow")
    assert found["devices"] == "CPU"
    assert found["LSTM layers"].startswith("the recurrence in NumPy")
    assert found["cuDNN"].startswith("not used: TensorFlow sees no GPU")
    assert found["training"].startswith("on the CPU")


def test_cudnn_is_used_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    details = {"device_name": "NVIDIA H200", "compute_capability": (9, 0)}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [gpu])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: details)
    found = describe_devices()
    assert found["devices"] == "CPU, NVIDIA H200"
    assert found["cuDNN"].endswith("used by lstm and gru layers without recurrent dropout")
    assert found["training"].startswith("on NVIDIA H200")


@pytest.mark.parametrize(
    ("backend", "is_installed", "sees_gpu", "driver", "precision", "start"),
    [
        ("tensorflow", True, False, None, "bfloat16", "in bfloat16, torch is 1.3 times as fast"),
        ("tensorflow", True, False, None, "float32", None),
        ("tensorflow", False, False, None, "bfloat16", None),
        ("tensorflow", True, False, "nvidia-smi", "float32", "tensorflow does not see this mach"),
        ("tensorflow", False, False, "nvidia-smi", "float32", None),
        ("tensorflow", True, True, "nvidia-smi", "bfloat16", None),
        ("torch", True, False, "nvidia-smi", "bfloat16", None),
        ("jax", True, True, "nvidia-smi", "float32", "torch starts sooner"),
        ("jax", True, False, None, "bfloat16", None),
    ],
)
def test_names_a_backend_that_is_faster(
    backend: str,
    is_installed: bool,
    sees_gpu: bool,
    driver: str | None,
    precision: Any,
    start: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices.keras.backend, "backend", lambda: backend)
    monkeypatch.setattr(devices, "find_spec", lambda name: is_installed or None)
    monkeypatch.setattr(devices, "has_gpu", lambda: sees_gpu)
    monkeypatch.setattr(devices.shutil, "which", lambda name: driver)
    found = faster_backend(precision)
    assert (found is None) == (start is None)
    assert found is None or found.startswith(f"{start}")


def test_without_a_gpu_a_batch_stays_as_it_is() -> None:
    batch: Any = ({"samples": None}, {})
    assert on_gpu(batch) is batch


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another malloc")
def test_freed_memory_is_used_again() -> None:
    keep_freed_memory()
    size = 1 << 26
    faults = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        assert len(b"x" * size) == size
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    assert max(faults[1:]) < size / resource.getpagesize() / 10
