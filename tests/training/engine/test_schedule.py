import numpy as np
import pytest

from speechlstm.config import TrainConfig
from speechlstm.training.engine.schedule import learning_rate

CONFIG = TrainConfig(learning_rate=0.1, warmup_steps=10, decay=0.5)


def test_climbs_stays_and_falls_to_0() -> None:
    """Against the same three straight lines drawn by NumPy."""
    warm = [learning_rate(CONFIG, k, 0.0) for k in range(12)]
    np.testing.assert_allclose(warm, np.interp(range(12), [0, 9], [0.01, 0.1]))
    progress = np.linspace(0, 1, 21)
    rates = [learning_rate(CONFIG, 100, share) for share in progress]
    np.testing.assert_allclose(rates, np.interp(progress, [0, 0.5, 1], [0.1, 0.1, 0]), atol=1e-12)


def test_without_warm_up_or_decay() -> None:
    config = TrainConfig(learning_rate=0.1, warmup_steps=0, decay=1.0)
    assert [learning_rate(config, 0, share) for share in (0.0, 0.9, 1.0)] == [0.1] * 3


def test_a_prolonged_run_has_the_rate_of_a_run_of_that_length() -> None:
    assert learning_rate(CONFIG, 100, 40 / 40) == 0
    assert learning_rate(CONFIG, 100, 40 / 60) == pytest.approx(0.1 * (1 / 3) / 0.5)
