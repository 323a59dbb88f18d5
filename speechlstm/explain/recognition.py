"""Recognises the segments of an utterance as `transcribe` does, and keeps what competed."""

from collections.abc import Sequence
from dataclasses import dataclass

from speechlstm.audio import Audio
from speechlstm.audio.activity import SpeechDetector
from speechlstm.decoding.decoder import GreedyDecoder
from speechlstm.decoding.joining import join_segments
from speechlstm.decoding.nbest import NUM_RIVALS, NBestDecoder
from speechlstm.decoding.plausibility import plausible
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.explain.explanation import Head
from speechlstm.transcript import Hypothesis


@dataclass(frozen=True)
class Recognition:
    """What is recognised in a segment.

    Attributes:
        n_best: The first hypothesis is what is recognised; times count from the segment's start.
        ends: The step after each sentence of the search.
        are_kept: For each recognised word, whether `transcribe` keeps it.
    """

    n_best: list[Hypothesis]
    is_calibrated: bool
    ends: list[int]
    are_kept: list[bool]


def recognize(
    spec: DecoderSpec, decoder: NBestDecoder, head: Head, frame_seconds: float, audio: Audio
) -> Recognition:
    """Recognise a segment.

    Args:
        head: The output of the network that the decoder reads.
    """
    search = decoder.start()
    found = decoder.search(head.log_probs, search)[:NUM_RIVALS]
    n_best = list(decoder.timed(found, head.log_probs, audio.duration))
    is_calibrated = decoder.is_calibrated
    if not spec.is_search:
        greedy = GreedyDecoder(head.alphabet, frame_seconds, spec.calibration)
        is_calibrated = greedy.is_calibrated
        (best,) = greedy.decode(head.log_probs, audio.duration)
        n_best = _with_best(best, n_best)
    words = n_best[0].words
    if not words:
        return Recognition(n_best, is_calibrated, search.ends, [])
    detector = SpeechDetector(audio.samples, audio.sample_rate)
    kept = set(plausible(n_best[:1], detector.is_speech_possible)[0].words)
    return Recognition(n_best, is_calibrated, search.ends, [word in kept for word in words])


def joined_n_best(starts: Sequence[float], segments: Sequence[Recognition]) -> list[Hypothesis]:
    """The n-best list of an utterance, from the starts of its segments in seconds."""
    (best,) = join_segments(
        (start, segment.n_best[:1]) for start, segment in zip(starts, segments, strict=True)
    )
    lists = ((start, one.n_best) for start, one in zip(starts, segments, strict=True))
    return _with_best(best, join_segments(lists))


def _with_best(best: Hypothesis, others: Sequence[Hypothesis]) -> list[Hypothesis]:
    rest = [hypothesis for hypothesis in others if hypothesis.text != best.text]
    return [best, *rest][:NUM_RIVALS]
