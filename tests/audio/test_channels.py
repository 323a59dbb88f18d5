import logging
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.audio import Audio, num_channels, read_audio, read_segments
from speechlstm.errors import AudioError

RATE = 16000


def noise(seed: int, seconds: float = 6.0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * RATE))


def stereo(folder: Path, *channels: NDArray[np.float64]) -> Path:
    soundfile.write(folder / "a.wav", np.stack(channels, axis=1), RATE, "FLOAT")
    return folder / "a.wav"


@pytest.mark.parametrize("level", [1.0, 0.3, 2.0])
def test_opposite_channels_do_not_cancel_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, level: float
) -> None:
    path = stereo(tmp_path, noise(1), -level * noise(1))
    samples = read_audio(path).samples
    assert np.allclose(samples, (1 + level) / 2 * noise(1), rtol=0, atol=1e-5)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith(
        f"{path}: channel 2 has the opposite polarity of channel 1"
    )


def test_opposite_channels_with_noise_and_silence(tmp_path: Path) -> None:
    speech = noise(1)
    speech[: 2 * RATE] = 0
    path = stereo(tmp_path, speech + 0.1 * noise(2), -speech + 0.1 * noise(3))
    samples = read_audio(path).samples
    assert np.allclose(samples[3 * RATE :], speech[3 * RATE :], rtol=0, atol=0.05)


def test_of_more_channels_those_that_oppose_the_others_are_inverted(tmp_path: Path) -> None:
    path = stereo(tmp_path, noise(1), noise(1), -noise(1), noise(1))
    assert np.allclose(read_audio(path).samples, noise(1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("second", [noise(2), noise(1), 0 * noise(1), noise(1) + noise(2)])
def test_other_channels_are_averaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, second: NDArray[np.float64]
) -> None:
    path = stereo(tmp_path, noise(1), second)
    assert np.allclose(read_audio(path).samples, (noise(1) + second) / 2, rtol=0, atol=1e-5)
    assert not caplog.records


def test_arrays_are_mixed_as_files_are() -> None:
    audio = Audio.from_array(np.stack([noise(1), -noise(1)], axis=1), RATE)
    assert np.allclose(audio.samples, noise(1), rtol=0, atol=1e-5)


def test_one_channel_is_chosen_by_its_number(tmp_path: Path) -> None:
    path = stereo(tmp_path, noise(1), noise(2), noise(3))
    assert num_channels(path) == 3
    for number in (1, 2, 3):
        assert np.allclose(
            read_audio(path, channel=number).samples, noise(number), rtol=0, atol=1e-6
        )
        pieces = [audio.samples for _, audio in read_segments(path, RATE, 5, channel=number)]
        assert np.allclose(np.concatenate(pieces), noise(number), rtol=0, atol=1e-6)
    with pytest.raises(AudioError, match="has 3 channels, counted from 1; there is no channel 4"):
        read_audio(path, channel=4)
