"""A step on torch reads no value from the device, so that the host never waits for a GPU."""

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any

import keras
import numpy as np
import pytest

from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.training.acoustic.mixing import ingredients
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.data.augment import Mixture
from speechlstm.training.engine.optimizer import GuardedAdamW

BATCH, WIDTH, NUM_STEPS = 4, 8000, 17
ON_TORCH = keras.backend.backend() == "torch"


@pytest.mark.slow
@pytest.mark.skipif(ON_TORCH or not find_spec("torch"), reason="needs torch, and another backend")
def test_on_torch() -> None:
    command = [sys.executable, "-m", "pytest", "-q", __file__]
    command += ["-W", "ignore:__array__:DeprecationWarning"]  # what Keras does there
    environment = os.environ | {"KERAS_BACKEND": "torch"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout
    assert "1 passed" in process.stdout


@pytest.mark.skipif(not ON_TORCH, reason="runs on torch")
def test_reads_no_value() -> None:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Reads(TorchDispatchMode):
        """Records the operators that hand a tensor's value to the host."""

        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def __torch_dispatch__(
            self, function: Any, types: Any, arguments: Any = (), keywords: Any = None
        ) -> Any:
            name = str(function)
            if "_local_scalar_dense" in name or "nonzero" in name or "equal.default" in name:
                self.found.append(name)
            return function(*arguments, **keywords or {})

    optimizer = GuardedAdamW(1e-3, global_clipnorm=5.0, loss_scale_factor=8.0)
    network = AcousticNetwork(
        FeatureConfig(), NetworkConfig(num_layers=2, num_units=8), 5, 4, consistency=0.2
    )
    network.compile(optimizer)
    inputs, targets = new_batch()
    network.train_on_batch(inputs, targets)
    with Reads() as reads:
        loss = network.train_step((inputs, targets))["loss"]
        assert reads.found == []
        assert np.isfinite(float(loss))
        assert len(reads.found) == 1  # of the line before: what is to be found is found


def new_batch() -> tuple[dict[str, Any], dict[str, Any]]:
    samples = np.random.default_rng(1).normal(0, 0.1, (BATCH, WIDTH)).astype(np.float32)
    masks = np.array([[[2, 3]]] * BATCH, np.int32)
    inputs = {
        "samples": samples,
        "num_samples": np.full(BATCH, WIDTH, np.int32),
        "time_masks": masks,
        "frequency_masks": masks,
        **ingredients([Mixture(samples[0])] * BATCH, WIDTH, 100),
    }
    targets: dict[str, Any] = {"num_steps": np.full(BATCH, NUM_STEPS, np.int32)}
    for name, weights in (("labels", "weights"), ("phones", "phone_weights")):
        targets[name] = np.ones((BATCH, 5), np.int32)
        targets[f"num_{name}"] = np.full(BATCH, 3, np.int32)
        targets[weights] = np.ones(BATCH, np.float32)
    return inputs, targets
