"""The open segment, with a model that counts what it is given."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.acoustic import StreamingUtterance
from speechlstm.audio import Audio
from speechlstm.decoding.decoder import GreedyDecoder
from speechlstm.recognizer import Recognizer
from speechlstm.streaming.buffer import SampleBuffer
from speechlstm.streaming.segment import (
    CONTEXT_SECONDS,
    LEFT_CONTEXT_SECONDS,
    LOOK_AHEAD_SECONDS,
    RecomputedSegment,
)
from speechlstm.text.alphabet import ENGLISH

RATE = 16000
SAMPLES = Path(__file__).parents[2] / "data" / "samples"


class Counting:
    """A model of 30 ms frames that hears the sign of their mean, and how much it was given."""

    sample_rate, frame_seconds, alphabet = RATE, 0.03, ENGLISH

    def __init__(self) -> None:
        self.seconds: list[float] = []

    streaming = None

    def streaming_utterance(self) -> StreamingUtterance:
        raise NotImplementedError

    @property
    def characters(self) -> "Counting":
        return self

    def log_probs(self, audio: Audio) -> NDArray[np.float32]:
        self.seconds.append(audio.duration)
        num_frames = 1 + len(audio.samples) // 480
        padded = np.pad(audio.samples, (0, num_frames * 480 - len(audio.samples)))
        label = (padded.reshape(-1, 480).mean(axis=1) > 0.5).astype(int) * 3
        return np.where(np.eye(ENGLISH.num_labels)[label] > 0, -0.01, -8.0).astype(np.float32)


def test_previews_run_the_network_on_the_last_seconds_only() -> None:
    model, buffer = Counting(), SampleBuffer()
    segment = RecomputedSegment(model, GreedyDecoder(ENGLISH, 0.03), buffer, 0, False)
    for second in range(1, 19):
        buffer.append(np.zeros(RATE, np.float32))
        segment.process(second * RATE)
    most = LEFT_CONTEXT_SECONDS + LOOK_AHEAD_SECONDS + 1.0
    assert max(model.seconds) <= most + 0.1
    segment.settle(18 * RATE)
    assert model.seconds[-1] == pytest.approx(18.0)


def test_a_short_segment_is_heard_with_what_was_before_it() -> None:
    model, buffer = Counting(), SampleBuffer()
    buffer.append(np.zeros(30 * RATE, np.float32))
    buffer.forget(2 * RATE)
    segment = RecomputedSegment(model, GreedyDecoder(ENGLISH, 0.03), buffer, 29 * RATE, False)
    segment.settle(30 * RATE)
    assert model.seconds[-1] == pytest.approx(CONTEXT_SECONDS, abs=0.03)
    assert segment.speech_end == segment.start


@pytest.mark.parametrize(("loudness", "seconds"), [(1.0, CONTEXT_SECONDS), (30.0, 2.2)])
def test_what_is_much_louder_is_no_context(loudness: float, seconds: float) -> None:
    model, buffer = Counting(), SampleBuffer()
    samples = np.random.default_rng(1).normal(0, 0.01, 12 * RATE).astype(np.float32)
    samples[: round(9.7 * RATE)] *= loudness
    samples[round(9.7 * RATE) : round(9.9 * RATE)] = 0
    buffer.append(samples)
    segment = RecomputedSegment(model, GreedyDecoder(ENGLISH, 0.03), buffer, 10 * RATE, False)
    segment.settle(12 * RATE)
    assert model.seconds[-1] == pytest.approx(seconds, abs=0.15)


def test_frames_stay_at_their_times_whatever_the_window() -> None:
    model, buffer = Counting(), SampleBuffer()
    samples = np.zeros(12 * RATE, np.float32)
    for start in (3.0, 6.6, 9.9):
        samples[round(start * RATE) :][:960] = 1.0  # two frames of the label 3
    buffer.append(samples)
    start = 2 * RATE + 7 * 480
    segment = RecomputedSegment(model, GreedyDecoder(ENGLISH, 0.03), buffer, start, False)
    for end in np.arange(2.5, 12.01, 0.5):
        segment.process(max(start + 4000, round(end * RATE)))
    segment.settle(12 * RATE)
    words = segment.decode(12 * RATE)[0].words
    expected = GreedyDecoder(ENGLISH, 0.03).decode(
        model.log_probs(Audio(samples[start:], RATE)), 12.0 - start / RATE
    )[0]
    assert expected.text
    assert [word.text for word in words] == [word.text for word in expected.words]
    for word, other in zip(words, expected.words, strict=True):
        assert word.start == pytest.approx(other.start + start / RATE)
        assert word.end == pytest.approx(other.end + start / RATE)
    assert segment.speech_end == pytest.approx(9.96 * RATE, abs=481)


@pytest.mark.slow
def test_final_words_of_a_settled_segment_are_those_of_the_recording() -> None:
    recognizer = Recognizer.load(fast=True)
    audio = Audio.load(SAMPLES / "reading.wav")
    buffer = SampleBuffer()
    buffer.append(np.concatenate([audio.samples, np.zeros(RATE, np.float32)]))
    segment = RecomputedSegment(recognizer.model, recognizer.decoder, buffer, 0, True)
    for end in range(8000, buffer.end, 8000):
        segment.process(end)
        segment.preview()
    segment.settle(2 * RATE)
    segment.preview()
    segment.settle(buffer.end)
    whole = recognizer.transcribe(Audio(buffer.read(0, buffer.end), RATE))
    assert segment.decode(buffer.end)[0] == whole.hypotheses[0]
