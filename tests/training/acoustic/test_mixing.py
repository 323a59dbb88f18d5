from collections.abc import Sequence

import keras
import numpy as np
import pytest

from speechlstm.training.acoustic.mixing import ingredients, mixed_on_device
from speechlstm.training.data.augment import Mixture
from speechlstm.training.data.bucketing import pad

NUM_RESPONSE_SAMPLES = 700


def some_mixtures(lengths: Sequence[int]) -> list[Mixture]:
    """With and without room, noise and both; silence with noise, and with silent noise."""
    generator = np.random.default_rng(1)
    mixtures = []
    for k, length in enumerate(lengths):
        speech, noise = 0.1 * generator.normal(size=(2, length)).astype(np.float32)
        response = generator.normal(size=NUM_RESPONSE_SAMPLES - 50 * k).astype(np.float32)
        mixtures.append(
            Mixture(
                0 * speech if k == 4 else speech,
                response / np.linalg.norm(response) if k % 2 else None,
                (0 * noise if k == 5 else noise) if k > 1 else None,
                snr_db=5.0 * k - 5,
                gain_db=k - 3.0,
            )
        )
    return mixtures


@pytest.mark.parametrize("has_rooms", [True, False])
@pytest.mark.parametrize("width", [6000, 6001, 20000])
def test_the_device_mixes_as_numpy_does(has_rooms: bool, width: int) -> None:
    mixtures = some_mixtures([6000, 5999, 300, 1349, 1350, 2700])
    if not has_rooms:
        mixtures = [Mixture(m.speech, None, m.noise, m.snr_db, m.gain_db) for m in mixtures]
    samples, num_samples = pad([m.speech for m in mixtures], width, np.float32)
    rest = ingredients(mixtures, width, NUM_RESPONSE_SAMPLES if has_rooms else 0)
    inputs = {"samples": samples, "num_samples": num_samples, **rest}
    found = mixed_on_device(keras.tree.map_structure(keras.ops.convert_to_tensor, inputs))
    expected, _ = pad([m.mixed() for m in mixtures], width, np.float32)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, atol=1e-5)
    assert np.abs(expected).max() > 0.3
