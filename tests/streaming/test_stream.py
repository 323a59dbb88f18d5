import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.audio import Audio, Blocks
from speechlstm.errors import AudioError, ConfigError, DataError
from speechlstm.recognizer import Recognizer
from speechlstm.streaming import Event, Final, Partial, Stream, join_finals

RATE = 16000

Say = Callable[[str], NDArray[np.float32]]


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


@pytest.fixture(scope="module")
def recognizer(levels_bundle: Path) -> Recognizer:
    return Recognizer.load(levels_bundle)


@pytest.fixture(scope="module")
def speech(spoken: Say) -> NDArray[np.float32]:
    """Two sentences, with pauses before, between and after them."""
    pieces = [silence(1.3), spoken("hello world"), silence(2), spoken(" good day to you")]
    return np.concatenate([*pieces, silence(1.5)])


def fed(stream: Stream, samples: NDArray[np.generic], size: int) -> list[Event]:
    blocks = (samples[i : i + size] for i in range(0, len(samples), size))
    return [*(event for block in blocks for event in stream.feed(block)), *stream.finish()]


def finals(events: list[Event]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


def test_final_events_have_the_words_and_times_of_the_whole(
    recognizer: Recognizer, speech: NDArray[np.float32]
) -> None:
    events = fed(recognizer.open_stream(RATE), speech, 1600)
    offline = recognizer.transcribe(Audio(speech, RATE))
    assert [final.text for final in finals(events)] == ["hello world", "good day to you"]
    assert [final.segment for final in finals(events)] == [1, 2]
    streamed = [word for final in finals(events) for word in final.words]
    assert [word.text for word in streamed] == [word.text for word in offline.words]
    for word, other in zip(streamed, offline.words, strict=True):
        # A cut may move the frames of what follows by up to one of them.
        assert (word.start, word.end) == pytest.approx((other.start, other.end), abs=0.0101)


def test_partial_events_come_before_the_final_one_of_their_segment(
    recognizer: Recognizer, spoken: Say
) -> None:
    words = np.concatenate([spoken(f" {word}") for word in ("alpha", "bravo", "charlie") * 4])
    events = fed(recognizer.open_stream(RATE), np.concatenate([words, silence(2)]), 800)
    *partials, final = events
    assert isinstance(final, Final)
    assert len(partials) >= 2
    for partial in partials:
        assert isinstance(partial, Partial)
        assert partial.segment == final.segment == 1
        assert partial.text
        assert all(word.end <= partial.end + 0.02 for word in partial.words)
    assert final.text == " ".join(["alpha", "bravo", "charlie"] * 4)


@pytest.mark.parametrize("size", [pytest.param(7, marks=pytest.mark.slow), 37, 1600, 100_000])
def test_events_do_not_depend_on_the_sizes_of_blocks(
    recognizer: Recognizer, speech: NDArray[np.float32], size: int
) -> None:
    samples = speech[: 3 * RATE] if size == 7 else speech
    expected = fed(recognizer.open_stream(RATE), samples, 480)
    assert fed(recognizer.open_stream(RATE), samples, size) == expected


@pytest.mark.slow
def test_blocks_may_be_integers_have_channels_and_another_rate(
    recognizer: Recognizer, speech: NDArray[np.float32]
) -> None:
    integers = (speech * 32767).round().astype(np.int16)
    expected = [final.text for final in finals(fed(recognizer.open_stream(RATE), speech, 1600))]
    assert [f.text for f in finals(fed(recognizer.open_stream(RATE), integers, 999))] == expected
    stereo = np.stack([integers, integers], axis=1)
    assert [f.text for f in finals(fed(recognizer.open_stream(RATE), stereo, 999))] == expected
    doubled = Audio(speech, RATE).resampled(48000).samples
    assert [f.text for f in finals(fed(recognizer.open_stream(48000), doubled, 999))] == expected


def test_silence_has_no_events(recognizer: Recognizer) -> None:
    assert fed(recognizer.open_stream(RATE), silence(30), 4000) == []
    assert recognizer.open_stream(RATE).finish() == []


@pytest.mark.slow
def test_speech_without_a_pause_is_cut_after_twenty_seconds(
    recognizer: Recognizer, spoken: Say
) -> None:
    one = np.concatenate([spoken(" seven"), silence(0.2)])
    number = round(42 * RATE / len(one))
    events = finals(fed(recognizer.open_stream(RATE), np.tile(one, number), 8000))
    assert len(events) >= 3
    assert all(final.end - final.start <= 20.01 for final in events)
    assert " ".join(final.text for final in events) == " ".join(["seven"] * number)
    for one_final, other in pairwise(events):
        assert one_final.end <= other.start + 1e-6


def test_finals_are_joined_into_a_transcript(
    recognizer: Recognizer, speech: NDArray[np.float32]
) -> None:
    events = finals(fed(recognizer.open_stream(RATE), speech, 1600))
    transcript = join_finals(events, 9.0)
    assert transcript.text == "hello world good day to you"
    assert transcript.words == tuple(word for final in events for word in final.words)
    assert transcript.duration == 9.0
    assert join_finals([], 3.0).text == ""


def test_samples_that_are_not_finite_are_refused_and_the_stream_goes_on(
    recognizer: Recognizer, speech: NDArray[np.float32]
) -> None:
    stream = recognizer.open_stream(RATE)
    events = stream.feed(speech[:RATE])
    with pytest.raises(DataError, match=r"the stream at 1\.00 s: .*not finite"):
        stream.feed(np.full(100, np.nan, np.float32))
    with pytest.raises(DataError, match="full scale"):
        stream.feed(np.full(100, 20000, np.float32))
    with pytest.raises(ValueError, match="shape"):
        stream.feed(np.zeros((2, 3, 4), np.float32))
    events += [*stream.feed(speech[RATE:]), *stream.finish()]
    assert events == fed(recognizer.open_stream(RATE), speech, RATE)
    with pytest.raises(ValueError, match="finished"):
        stream.feed(speech)
    assert stream.finish() == []


def test_settings_out_of_range_are_refused(recognizer: Recognizer) -> None:
    with pytest.raises(ConfigError, match="endpoint_seconds: must be"):
        recognizer.open_stream(RATE, endpoint_seconds=0.0)
    with pytest.raises(ConfigError, match="endpoint_seconds: must be"):
        recognizer.open_stream(RATE, endpoint_seconds=float("nan"))
    with pytest.raises(ValueError, match="sample rate"):
        recognizer.open_stream(100)


def test_recordings_and_blocks_can_be_streamed(
    recognizer: Recognizer, speech: NDArray[np.float32], tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", speech, RATE, subtype="FLOAT")
    expected = finals(fed(recognizer.open_stream(RATE), speech, 1600))
    assert finals(list(recognizer.stream(tmp_path / "a.wav"))) == expected
    with (tmp_path / "a.wav").open("rb") as file:
        assert finals(list(recognizer.stream(file))) == expected
    blocks = Blocks(np.array_split(speech, 7), RATE)
    assert finals(list(recognizer.stream(blocks))) == expected


def test_what_came_before_a_failure_is_kept(recognizer: Recognizer, spoken: Say) -> None:
    class Failing:
        sample_rate = RATE

        def __iter__(self) -> Iterator[NDArray[np.float32]]:
            yield spoken("hello")
            raise AudioError("microphone", "has gone away")

    events = []
    with pytest.raises(AudioError, match="microphone: has gone away"):
        for event in recognizer.stream(Failing()):
            events.append(event)  # noqa: PERF402 - those before the error
    assert [final.text for final in finals(events)] == ["hello"]


@pytest.mark.slow
def test_memory_does_not_grow_with_the_stream(recognizer: Recognizer, spoken: Say) -> None:
    piece = np.resize(np.concatenate([spoken(" seven five"), silence(1.1)]), 30 * RATE)
    stream = recognizer.open_stream(RATE)

    def hear_pieces(number: int) -> int:
        num_finals = 0
        for _ in range(number):
            for block in np.split(piece, 30):
                num_finals += len(finals(stream.feed(block)))
        return num_finals

    tracemalloc.start()
    try:
        hear_pieces(1)
        before, _ = tracemalloc.get_traced_memory()
        assert hear_pieces(2) > 20
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 500_000  # the samples alone are 4 MB


def test_a_pause_within_a_hot_phrase_may_be_longer(levels_bundle: Path, spoken: Say) -> None:
    recognizer = Recognizer.load(levels_bundle, hot_words=["hello world", "to you"])
    for pause, texts in ((0.9, ["hello world"]), (1.4, ["hello", "world"])):
        samples = np.concatenate([spoken("hello"), silence(pause), spoken("world"), silence(1.5)])
        events = fed(recognizer.open_stream(RATE), samples, 1600)
        assert [final.text for final in finals(events)] == texts


@pytest.mark.parametrize("unknown", [[], pytest.param(["[unk]"], marks=pytest.mark.slow)])
def test_a_pause_within_a_phrase_of_a_grammar_may_be_longer(
    levels_bundle: Path, spoken: Say, unknown: list[str]
) -> None:
    phrases = ["good day to you", "hello", "hello world", *unknown]
    recognizer = Recognizer.load(levels_bundle, phrases=phrases)
    for said, pause, texts in (
        (("good day ", "to you"), 0.9, ["good day to you"]),
        (("hello", "hello world"), 0.9, ["hello", "hello world"]),  # which is a phrase
        (("good day ", "to you"), 1.4, []),
    ):
        parts = [part for text in said for part in (spoken(text), silence(pause))]
        events = fed(recognizer.open_stream(RATE), np.concatenate([*parts, silence(1.0)]), 1600)
        found = [final.text.replace("[unk]", "").strip() for final in finals(events)]
        assert [text for text in found if text] == texts


def test_hot_phrases_delay_no_other_end(levels_bundle: Path, spoken: Say) -> None:
    samples = np.concatenate([spoken("hello world"), silence(0.9), spoken("good"), silence(1.5)])
    plain = fed(Recognizer.load(levels_bundle).open_stream(RATE), samples, 1600)
    hot = Recognizer.load(levels_bundle, hot_words=["hello world", "day good"])
    found = fed(hot.open_stream(RATE), samples, 1600)
    assert [final.text for final in finals(found)] == ["hello world", "good"]
    assert [final.end for final in finals(found)] == [final.end for final in finals(plain)]
