"""Streams of a network that hears everything once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, write_bundle
from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.errors import BundleError
from speechlstm.recognizer import Recognizer
from speechlstm.streaming import Event, Final, Stream
from speechlstm.text.alphabet import ENGLISH

ASSETS = Path(__file__).parents[1] / "assets"
RATE = 16000
SPEC = AcousticSpec(
    FeatureConfig(normalize="running"), ENGLISH, NetworkConfig(frame_stack=1, bidirectional=False)
)
DECODERS = [{"greedy": True}, {"beam_width": 8}]

Samples = NDArray[np.float32]
Say = Callable[[str], Samples]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose model hears amplitudes as letters, 0.24 s late; see assets/README.md."""
    path = tmp_path_factory.mktemp("levels") / "bundle"
    models = {"model.tflite": "levels", "model.streaming.tflite": "levels_streaming"}
    contents = {name: (ASSETS / f"{asset}.tflite").read_bytes() for name, asset in models.items()}
    write_bundle(path, contents, SPEC)
    return path


@pytest.fixture(scope="module", params=DECODERS, ids=["greedy", "beam"])
def recognizer(bundle: Path, request: pytest.FixtureRequest) -> Recognizer:
    return Recognizer.load(bundle, **request.param)


@pytest.fixture(scope="module")
def speech(spoken: Say) -> Samples:
    pieces = [silence(1.3), spoken("hello world"), silence(2), spoken(" good day to you")]
    return np.concatenate([*pieces, silence(1.5)])


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def fed(stream: Stream, samples: Samples, size: int) -> list[Event]:
    blocks = (samples[i : i + size] for i in range(0, len(samples), size))
    return [*(event for block in blocks for event in stream.feed(block)), *stream.finish()]


def finals(events: list[Event]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


def test_final_words_are_those_of_each_segment_as_a_recording(
    recognizer: Recognizer, speech: Samples
) -> None:
    found = finals(fed(recognizer.open_stream(RATE), speech, 1600))
    assert [final.text for final in found] == ["hello world", "good day to you"]
    for final in found:
        piece = speech[round(final.start * RATE) : round(final.end * RATE)]
        offline = recognizer.transcribe(Audio(piece, RATE))
        # A recording has one more frame, which begins where it ends.
        assert final.hypotheses[0].log_prob == pytest.approx(
            offline.hypotheses[0].log_prob, abs=1e-3
        )
        for word, other in zip(final.words, offline.words, strict=True):
            assert word.text == other.text
            assert word.confidence == pytest.approx(other.confidence)
            assert word.start == pytest.approx(final.start + other.start)
            assert word.end == pytest.approx(final.start + other.end)


@pytest.mark.parametrize(
    "size", [*(pytest.param(size, marks=pytest.mark.slow) for size in (1, 37)), 1600, 10 * RATE]
)
def test_events_do_not_depend_on_the_sizes_of_blocks(
    recognizer: Recognizer, speech: Samples, size: int
) -> None:
    samples = speech[RATE : RATE + 14000] if size == 1 else speech
    expected = fed(recognizer.open_stream(RATE), samples, 480)
    assert fed(recognizer.open_stream(RATE), samples, size) == expected


def test_everything_is_heard_once(
    recognizer: Recognizer, spoken: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recognizer.model.streaming
    num_heard, run = 0, recognizer.model.streaming.run

    def counted(samples: Samples, *others: object) -> object:
        nonlocal num_heard
        num_heard += len(samples)
        return run(samples, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(recognizer.model.streaming, "run", counted)
    monkeypatch.setattr(recognizer.model, "log_probs", None)  # the network for recordings
    words = np.concatenate([spoken(" seven five nine"), silence(0.15)])
    samples = np.concatenate([np.tile(words, 4), silence(1)])
    (final,) = finals(fed(recognizer.open_stream(RATE), samples, 1600))
    assert final.text == " ".join(["seven five nine"] * 4)
    # Besides: the end of the segment, and the silence after it once or twice.
    assert num_heard < len(samples) + 2 * RATE


def test_a_word_is_shown_soon_after_it_is_said(recognizer: Recognizer, spoken: Say) -> None:
    words = np.concatenate([spoken(f" {word}") for word in ("alpha", "bravo", "charlie") * 4])
    stream = recognizer.open_stream(RATE)
    shown: dict[int, float] = {}  # by the number of words, when so many were shown first
    for start in range(0, len(words), 160):
        for event in stream.feed(words[start : start + 160]):
            shown.setdefault(len(event.words), start / RATE)
    for word, number in zip(finals(stream.finish())[0].words[:-1], range(1, 12), strict=True):
        assert shown[number] - word.start < 0.24 + 0.24 + 0.1


@pytest.mark.slow
def test_speech_without_a_pause_is_cut_and_nothing_is_lost(
    recognizer: Recognizer, spoken: Say
) -> None:
    one = np.concatenate([spoken(" seven"), silence(0.2)])
    number = round(33 * RATE / len(one))
    found = finals(fed(recognizer.open_stream(RATE), np.tile(one, number), 8000))
    assert len(found) >= 3
    assert all(final.end - final.start <= 20.01 for final in found)
    assert " ".join(final.text for final in found) == " ".join(["seven"] * number)
    for final, other in pairwise(found):
        assert final.end == pytest.approx(other.start)
        assert final.words[-1].end <= other.words[0].start


@pytest.mark.slow
def test_speech_without_any_pause_is_cut_somewhere(bundle: Path, spoken: Say) -> None:
    endless = np.tile(spoken("aba"), 23 * RATE // len(spoken("aba")))
    stream = Recognizer.load(bundle, greedy=True).open_stream(RATE)
    found = finals(fed(stream, endless, 8000))
    assert len(found) >= 2
    assert all(final.end - final.start <= 20.01 for final in found)


def test_a_word_at_the_very_end_is_heard(recognizer: Recognizer, spoken: Say) -> None:
    events = fed(recognizer.open_stream(RATE), spoken("seven"), 160)
    assert finals(events)[-1].text == "seven"


def test_silence_has_no_events_and_words_after_it_are_whole(
    recognizer: Recognizer, spoken: Say
) -> None:
    assert fed(recognizer.open_stream(RATE), silence(9), 4000) == []
    for seconds in (0.8, 4.13):
        samples = np.concatenate([silence(seconds), spoken("seven"), silence(2)])
        (final,) = finals(fed(recognizer.open_stream(RATE), samples, 1600))
        assert final.text == "seven"
        assert final.words[0].start == pytest.approx(seconds + 0.01, abs=0.02)


def test_streams_of_several_threads_share_a_recognizer(recognizer: Recognizer, spoken: Say) -> None:
    texts = ["alpha", "bravo charlie", "delta", "echo golf"]
    sounds = [np.concatenate([spoken(text), silence(1)]) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda s: finals(fed(recognizer.open_stream(RATE), s, 500)), sounds)
        assert [final.text for (final,) in results] == texts


def test_a_damaged_file_is_refused_in_a_line(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    contents = {p.name: p.read_bytes() for p in bundle.iterdir()}
    path.mkdir()
    for name, content in contents.items():
        (path / name).write_bytes(content)
    (path / "model.streaming.tflite").write_bytes(contents["model.streaming.tflite"][:-9])
    with pytest.raises(BundleError, match=r"model\.streaming\.tflite: damaged: its SHA-256"):
        Recognizer.load(path)
    # One that is whole, but not what the bundle says: recordings do not need it.
    other = {
        "model.tflite": contents["model.tflite"],
        "model.streaming.tflite": contents["model.tflite"],
    }
    write_bundle(path, other, SPEC)
    recognizer = Recognizer.load(path)
    assert recognizer.transcribe(Audio(silence(1), RATE)).text == ""
    with pytest.raises(BundleError, match=r"model\.streaming\.tflite: is not a model") as caught:
        recognizer.open_stream(RATE)
    assert "\n" not in str(caught.value)
