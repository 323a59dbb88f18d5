import platform
import resource

import pytest
import tensorflow as tf

from speechlstm.training.engine.devices import describe_devices, keep_freed_memory


def test_a_machine_without_a_gpu() -> None:
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has one")
    found = describe_devices()
    assert found["Keras backend"].startswith("tensorflow")
    assert found["devices"] == "CPU"
    assert found["LSTM layers"].startswith("the recurrence in NumPy")
    assert found["cuDNN"].startswith("not used: TensorFlow sees no GPU")


def test_cudnn_is_used_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    details = {"device_name": "NVIDIA H200", "compute_capability": (9, 0)}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [gpu])
    monkeypatch.setattr(tf.config.experimental, "get_device_details", lambda device: details)
    found = describe_devices()
    assert found["devices"] == "CPU, NVIDIA H200"
    assert found["cuDNN"].endswith("used by lstm and gru layers without recurrent dropout")


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
