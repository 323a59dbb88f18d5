from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm import recognizer as recognizer_module
from speechlstm.audio import Audio
from speechlstm.errors import AudioError, BundleError
from speechlstm.recognizer import Recognizer

Say = Callable[[str], NDArray[np.float32]]

SAMPLE_RATE = 16000


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


@pytest.fixture(scope="module")
def recognizer(levels_bundle: Path) -> Recognizer:
    return Recognizer.load(levels_bundle)


def test_hears_words_when_they_are_said(spoken: Say, recognizer: Recognizer) -> None:
    samples = np.concatenate([silence(1), spoken("it's"), silence(0.5), spoken(" me")])
    transcript = recognizer.transcribe(Audio(samples, SAMPLE_RATE))
    assert transcript.text == "it's me"
    assert transcript.duration == pytest.approx(1 + 0.17 + 0.5 + 0.13)
    times = [(word.text, word.start, word.end) for word in transcript.words]
    # 0.01 s of silence before each character, and before "me" a space of 0.04 s.
    expected = [("it's", 1.01, 1.16), ("me", 1.67 + 0.05, 1.67 + 0.12)]
    assert times == [
        (text, pytest.approx(start), pytest.approx(end)) for text, start, end in expected
    ]
    assert all(0.99 < word.confidence <= 1 for word in transcript.words)


def test_reads_a_file_as_it_hears_audio(
    spoken: Say, recognizer: Recognizer, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", spoken("hello world"), SAMPLE_RATE, subtype="FLOAT")
    expected = recognizer.transcribe(Audio(spoken("hello world"), SAMPLE_RATE))
    assert expected.text == "hello world"
    assert recognizer.transcribe_file(tmp_path / "a.wav") == expected
    assert recognizer.transcribe_file(str(tmp_path / "a.wav")) == expected


def test_the_model_file_alone_recognises_the_same(
    spoken: Say, levels_bundle: Path, recognizer: Recognizer
) -> None:
    audio = Audio(spoken("hello"), SAMPLE_RATE)
    alone = Recognizer.load(str(levels_bundle / "model.tflite"))
    assert alone.transcribe(audio) == recognizer.transcribe(audio)


def test_a_long_recording_keeps_all_words_and_their_times(
    spoken: Say, recognizer: Recognizer, tmp_path: Path
) -> None:
    # A word every 1.3 s for a minute and a half: three cuts at the least.
    said = ["one", "two", "three", "four"] * 18
    pieces = [
        np.concatenate([spoken(f" {word}"), silence(1.3)])[: round(1.3 * 16000)] for word in said
    ]
    soundfile.write(tmp_path / "long.flac", np.concatenate(pieces), SAMPLE_RATE)
    transcript = recognizer.transcribe_file(tmp_path / "long.flac")
    assert transcript.text == " ".join(said)
    assert transcript.duration == pytest.approx(1.3 * len(said))
    starts = [word.start for word in transcript.words]
    # A cut may move the frames of what follows by up to one of them.
    np.testing.assert_allclose(starts, 1.3 * np.arange(len(said)) + 0.05, atol=0.0101)


def test_segments_add_up(
    spoken: Say, recognizer: Recognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (Audio(spoken(text), SAMPLE_RATE) for text in ("one", "two"))
    monkeypatch.setattr(recognizer_module, "read_segments", lambda *_: [(0.0, one), (7.0, two)])
    transcript = recognizer.transcribe_file(tmp_path)
    alone = [recognizer.transcribe(audio) for audio in (one, two)]
    assert transcript.text == "one two"
    assert [w.start for w in transcript.words] == pytest.approx([0.01, 7.01])
    log_probs = [t.hypotheses[0].log_prob for t in alone]
    assert transcript.hypotheses[0].log_prob == pytest.approx(sum(log_probs))
    assert transcript.duration == pytest.approx(7 + two.duration)


@pytest.mark.parametrize("num_samples", [800, 801, 2719, 2720])
def test_words_end_with_the_recording(recognizer: Recognizer, num_samples: int) -> None:
    samples = np.full(num_samples, 5 / 29, np.float32)
    transcript = recognizer.transcribe(Audio(samples, SAMPLE_RATE))
    assert transcript.words
    for word in transcript.words:
        assert 0 <= word.start < word.end <= transcript.duration


def test_silence_has_no_words(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", silence(45), SAMPLE_RATE)
    transcript = recognizer.transcribe_file(tmp_path / "silence.wav")
    assert (transcript.text, transcript.words) == ("", ())
    assert transcript.duration == 45


def test_a_recording_too_short_is_refused(recognizer: Recognizer, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "blip.wav", silence(0.02), SAMPLE_RATE)
    with pytest.raises(AudioError, match=r"blip\.wav"):
        recognizer.transcribe_file(tmp_path / "blip.wav")


def test_without_a_name_the_packages_own_model_is_meant(
    spoken: Say, levels_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognizer_module, "default_bundle", lambda: levels_bundle)
    assert Recognizer.load().transcribe(Audio(spoken("yes"), SAMPLE_RATE)).text == "yes"
    with pytest.raises(BundleError):
        Recognizer.load("")


@pytest.mark.slow
def test_an_hour_takes_no_more_memory_than_a_minute(
    spoken: Say,
    levels_bundle: Path,
    tmp_path: Path,
    run_measured: Callable[..., tuple[str, int]],
) -> None:
    minute = np.tile(np.concatenate([spoken(" word"), silence(1.79)]), 30)
    with soundfile.SoundFile(tmp_path / "hour.flac", "w", SAMPLE_RATE, 1) as file:
        for _ in range(60):
            file.write(minute)
    code = (
        "import sys; from speechlstm import Recognizer\n"
        "print(len(Recognizer.load(sys.argv[1]).transcribe_file(sys.argv[2]).words))"
    )
    num_words, peak = run_measured(code, str(levels_bundle), str(tmp_path / "hour.flac"))
    assert int(num_words) == 1800
    assert peak < 200e6
