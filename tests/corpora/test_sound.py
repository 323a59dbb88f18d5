import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from speechlstm.audio import Audio, read_audio
from speechlstm.corpora.sound import Sound, bandwidth, clipped_share, loudness

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
READING = read_audio(SAMPLES / "reading.wav")


def tone(seconds: float, amplitude: float, hertz: float = 997.0, rate: int = 48_000) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_a_full_tone_of_997_hz_has_the_loudness_of_the_standard(rate: int) -> None:
    # BS.1770: a 0 dB sine of 997 Hz on one channel has -3.01 LKFS.
    assert loudness(tone(3, 1.0, rate=rate), rate) == pytest.approx(-3.01, abs=0.05)
    assert loudness(tone(3, 0.1, rate=rate), rate) == pytest.approx(-23.01, abs=0.05)


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_loudness_of_speech_is_that_of_ffmpeg(tmp_path: Path) -> None:
    quiet = np.concatenate([READING.samples, np.zeros(64_000, np.float32)])  # gated
    soundfile.write(tmp_path / "a.wav", quiet, 16_000)
    command = ["ffmpeg", "-nostats", "-i", tmp_path / "a.wav", "-af", "ebur128", "-f", "null", "-"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    (measured,) = re.findall(r"I: +(-[\d.]+) LUFS", printed.split("Summary")[1])
    assert loudness(quiet, 16_000) == pytest.approx(float(measured), abs=0.15)


def test_silence_has_no_loudness() -> None:
    assert loudness(np.zeros(16_000, np.float32), 16_000) == -np.inf
    assert loudness(tone(0.1, 0.5, rate=16_000), 16_000) > -20  # shorter than a block


@pytest.mark.parametrize("gain", [1.0, 0.5])
@pytest.mark.parametrize("limit", [0.6, 0.9])
def test_the_share_of_clipped_samples(gain: float, limit: float) -> None:
    speech = READING.samples * (2.0 / np.abs(READING.samples).max())
    clipped = gain * np.clip(speech, -limit, limit)
    runs = re.findall("p{3,}|n{3,}", "".join(
        "p" if x >= limit else "n" if x <= -limit else "." for x in speech
    ))  # fmt: skip
    assert clipped_share(clipped) == pytest.approx(sum(map(len, runs)) / len(speech), rel=1e-3)
    assert clipped_share(clipped) > 0.001


@pytest.mark.parametrize("name", ["reading", "digits", "answers", "code"])
def test_speech_that_is_not_clipped(name: str) -> None:
    audio = read_audio(SAMPLES / f"{name}.wav")
    assert clipped_share(audio.samples / np.abs(audio.samples).max()) == 0


@pytest.mark.parametrize("name", ["reading", "digits", "spelling", "zip"])
def test_a_telephone_is_told_from_its_sample_rate(name: str) -> None:
    wide = read_audio(SAMPLES / f"{name}.wav")
    narrow = soxr.resample(soxr.resample(wide.samples, 16_000, 8_000), 8_000, 16_000)
    telephone = Sound.measured(Audio(narrow.astype(np.float32), 16_000))
    assert telephone.is_narrow
    assert telephone.bandwidth <= 4_100
    assert not Sound.measured(wide).is_narrow
    assert not Sound.measured(wide.resampled(8_000)).is_narrow  # it does not pretend


@pytest.mark.parametrize("hertz", [1_000, 3_000, 6_000])
def test_bandwidth_of_a_tone(hertz: float) -> None:
    assert bandwidth(tone(1, 0.5, hertz, 16_000), 16_000) == pytest.approx(hertz, abs=250)


def test_silence_at_the_ends_and_in_the_middle() -> None:
    speech = READING.samples[:32_000] + tone(2, 0.05, 300, 16_000)  # without pauses
    pause = np.zeros(16_000, np.float32)
    parts = [pause[:8_000], speech, pause, speech, pause[:12_000]]
    sound = Sound.measured(Audio(np.concatenate(parts), 16_000))
    assert sound.leading_silence == pytest.approx(0.5, abs=0.05)
    assert sound.longest_silence == pytest.approx(1.0, abs=0.05)
    assert sound.trailing_silence == pytest.approx(0.75, abs=0.05)
    assert sound.silence == pytest.approx(2.25 / 6.25, abs=0.02)
    assert sound.duration == 6.25


def test_what_holds_nothing() -> None:
    nothing = Sound.measured(Audio(np.full(16_000, 1e-4, np.float32), 16_000))
    assert (nothing.is_silent, nothing.silence, nothing.is_narrow) == (True, 1.0, False)
    assert not Sound.measured(READING).is_silent
    zeros = Sound.measured(Audio(np.zeros(800, np.float32), 16_000))
    assert (zeros.is_silent, zeros.bandwidth, zeros.clipped) == (True, 0.0, 0.0)
