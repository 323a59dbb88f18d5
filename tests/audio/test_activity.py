from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.audio import Audio, read_audio
from speechlstm.audio.activity import SpeechDetector

SAMPLES = Path(__file__).parent.parent.parent / "data" / "samples"
TIME = np.arange(4 * 16000) / 16000

Sound = NDArray[np.float64]


def sines(*frequencies: float) -> Sound:
    return np.asarray(sum(np.sin(2 * np.pi * f * TIME) for f in frequencies))


def noise(slope: float = 0.0) -> Sound:
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=len(TIME)))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** slope
    return np.fft.irfft(spectrum, len(TIME))


def glide(swing: float, pace: float) -> Sound:
    pitch = 900 * (1 + swing * np.sin(2 * np.pi * pace * TIME))
    return np.sin(2 * np.pi * np.cumsum(pitch) / 16000)


NON_SPEECH: dict[str, Sound] = {
    "sine": sines(440),
    "low sine": sines(100),
    "touch tone": sines(770, 1336),
    "busy tone": sines(480, 620) * (TIME % 0.5 < 0.25),
    "siren": glide(0.3, 2.0),
    "warble": glide(0.1, 6.0),
    "square": np.sign(sines(300)),
    "buzzer": np.sign(sines(180)) * (TIME % 0.4 < 0.2),
    "saw": 2 * (250 * TIME % 1) - 1,
    "hum": sines(50, 100, 150, 250, 350),
    "chord": sines(261.6, 329.6, 392.0, 523.3),
    "white noise": noise(),
    "pink noise": noise(0.5),
    "red noise": noise(1.0),
    "red noise without an offset": noise(1.0) - noise(1.0).mean(),
    "silence": np.zeros(len(TIME)),
}


def quantised(sound: Sound, level_db: float) -> NDArray[np.float32]:
    peak = 10 ** (level_db / 20) / max(1e-9, np.abs(sound).max())
    return (np.round(sound * peak * 32767) / 32768).astype(np.float32)


@pytest.mark.parametrize("name", NON_SPEECH)
def test_sounds_without_a_voice_are_no_speech(name: str) -> None:
    for level_db in (-3, -25, -45):
        detector = SpeechDetector(quantised(NON_SPEECH[name], level_db), 16000)
        for start, end in ((0.2, 0.3), (0.5, 0.9), (0.0, 2.0)):
            assert not detector.is_speech_possible(start, end), level_db


def loud_stretches(audio: Audio) -> list[tuple[float, float]]:
    """The tenths of a second that are louder than a tenth of the loudest one."""
    size = audio.sample_rate // 10
    powers = [
        np.square(audio.samples[i : i + size]).mean() for i in range(0, len(audio.samples), size)
    ]
    return [(i / 10, (i + 1) / 10) for i, p in enumerate(powers) if p > max(powers) / 10]


@pytest.mark.parametrize("recording", sorted(SAMPLES.glob("*.wav")), ids=lambda path: path.stem)
def test_speech_is_possible_where_there_is_some(recording: Path) -> None:
    audio = read_audio(recording, 16000)
    samples, stretches = audio.samples, loud_stretches(audio)
    assert stretches
    for name, changed in {
        "as it is": samples,
        "faint": 0.003 * samples,
        "hissing": samples + 0.1 * np.std(samples) * quantised(noise(), 0)[: len(samples)],
        "muffled": np.convolve(samples, np.ones(4) / 4, "same"),
        "clipped": np.clip(5 * samples, -1, 1),
        "with an offset": 0.05 * samples + 0.9,
    }.items():
        detector = SpeechDetector(changed.astype(np.float32), 16000)
        assert all(detector.is_speech_possible(*stretch) for stretch in stretches), name


@pytest.mark.parametrize("sample_rate", [8000, 44100])
def test_any_sample_rate_tells_the_same(sample_rate: int) -> None:
    audio = read_audio(SAMPLES / "reading.wav", sample_rate)
    detector = SpeechDetector(audio.samples, sample_rate)
    assert all(detector.is_speech_possible(*stretch) for stretch in loud_stretches(audio))
    for name in ("sine", "touch tone", "siren", "square", "white noise"):
        sound = Audio(quantised(NON_SPEECH[name], -10), 16000).resampled(sample_rate)
        assert not SpeechDetector(sound.samples, sample_rate).is_speech_possible(0.5, 1.0), name


def test_what_is_too_short_to_tell_may_be_speech() -> None:
    blip = np.random.default_rng(1).normal(size=800).astype(np.float32)
    assert SpeechDetector(0.1 * blip, 16000).is_speech_possible(0.0, 0.05)
