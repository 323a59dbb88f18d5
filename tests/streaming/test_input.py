import logging
from typing import Any

import numpy as np
import pytest

from speechlstm.streaming.input import InputConverter

RATE = 16000


def taken(channels: np.ndarray, *sizes: int, rate: int = RATE) -> np.ndarray:
    """What comes out if blocks of these sizes go in, the last one again and again."""
    converter, start, pieces = InputConverter(rate, RATE), 0, []
    for size in [*sizes, *[sizes[-1]] * len(channels)]:
        if start >= len(channels):
            break
        pieces.append(converter.converted(channels[start : start + size]))
        start += size
    assert converter.seconds == len(channels) / rate
    return np.concatenate([*pieces, converter.rest()])


def voices(seed: int, seconds: float = 1.55) -> np.ndarray:
    """Noise that is loud and quiet by turns."""
    noise = np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE)).astype(np.float32)
    noise.reshape(-1, 400)[::3] *= 0.01
    return noise


@pytest.mark.parametrize("sign", [1, -1, 0.5, -0.5, 0])
@pytest.mark.parametrize("rate", [RATE, 44100])
def test_the_mean_of_channels_does_not_depend_on_the_sizes_of_blocks(
    sign: float, rate: int
) -> None:
    channels = np.stack([voices(1), sign * voices(1) + 0.3 * voices(2)], axis=1)
    whole = taken(channels, len(channels), rate=rate)
    for sizes in ((1, 2, 399, 160), (1600,), (4096,)):
        assert np.array_equal(taken(channels, *sizes, rate=rate), whole), sizes


def test_opposite_channels_do_not_cancel_out_and_are_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    voice = voices(1)
    mixed = taken(np.stack([voice, -voice], axis=1), 160)
    assert np.allclose(mixed, voice, rtol=0, atol=1e-6)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("the stream: channel 2 has the opposite polarity")


def test_the_number_of_channels_may_change() -> None:
    voice, converter = voices(1), InputConverter(RATE, RATE)
    pieces = [
        converter.converted(voice[:100]),
        converter.converted(np.stack([voice[100:2000]] * 2, axis=1)),
        converter.converted(voice[2000:2100]),
        converter.converted(np.stack([voice[2100:2200]] * 3, axis=1)),
        converter.rest(),
    ]
    assert np.allclose(np.concatenate(pieces), voice[:2200], rtol=0, atol=1e-6)


@pytest.mark.parametrize("block", [bytes(640), bytearray(640), np.int16(5), "text"])
def test_blocks_that_are_no_arrays_are_refused_with_what_to_do(block: Any) -> None:
    converter = InputConverter(RATE, RATE)
    with pytest.raises(ValueError, match=r"must be an array, not .* np\.frombuffer"):
        converter.converted(block)
    assert converter.seconds == 0
