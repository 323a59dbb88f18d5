import pytest
import tensorflow as tf

from speechlstm.training.devices import describe_devices


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
