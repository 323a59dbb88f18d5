from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder, BeamHypothesis
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.nbest import NBestDecoder, rescored
from speechlstm.lm.model import LanguageModel
from speechlstm.text.alphabet import Alphabet

ABCD = Alphabet((" ", *"abcd"))


def rows(*frames: str) -> NDArray[np.float32]:
    """Log-probabilities, a frame each: its symbols in order of probability, .6, .3, ...; -: blank.

    Symbols that are not named share what is left.
    """
    probs = []
    for symbols in frames:
        row = np.full(ABCD.num_labels, 0.1 / (ABCD.num_labels - len(symbols)))
        for symbol, probability in zip(symbols, (0.6, 0.3), strict=False):
            row["- abcd".index(symbol)] = probability
        probs.append(row / row.sum())
    return np.log(np.array(probs)).astype(np.float32)


def decoder(calibration: Calibration | None = None, **settings: int) -> NBestDecoder:
    return NBestDecoder(BeamDecoder(ABCD, DecodeConfig(**settings)), 0.5, calibration)


def test_a_sure_text_has_the_words_and_times_of_the_best_path() -> None:
    log_probs = rows("-", "a", "a", "-", "b", " ", "-", "b", "-")
    (found,) = decoder().decode(log_probs, 4.5)
    greedy = greedy_decode(log_probs, ABCD, 0.5, 4.5)
    assert found.text == greedy.text == "ab b"
    times = [(w.text, w.start, w.end) for w in found.words]
    assert (
        times
        == [(w.text, w.start, w.end) for w in greedy.words]
        == [("ab", 0.5, 2.5), ("b", 3.5, 4.0)]
    )
    assert found.log_prob > greedy.log_prob  # of all paths, not of one


def test_words_that_rivals_share_are_surer_than_those_in_dispute() -> None:
    log_probs = rows("c", "-", " ", "-", "ab", "-", " ", "-", "d")
    best, second = decoder(num_hypotheses=2).decode(log_probs, 4.5)
    assert (best.text, second.text) == ("c a d", "c b d")
    assert best.score > second.score
    first, middle, last = (w.confidence for w in best.words)
    assert 0 < second.words[1].confidence < middle < min(first, last) < 1
    assert second.words[0].confidence == pytest.approx(first)  # the same frames and rivals


def test_confidence_is_the_posterior_of_the_frames_times_the_share_of_the_list() -> None:
    log_probs = rows("ab")
    found = decoder(num_hypotheses=9).decode(log_probs, 0.5)
    assert {h.text for h in found} == {"", *"abcd"}
    weights = {h.text: np.exp(0.3 * h.score) for h in found}
    for hypothesis in found:
        for word in hypothesis.words:
            share = weights[word.text] / sum(weights.values())
            posterior = {"a": 0.6, "b": 0.3}.get(word.text, 0.1 / 4)
            assert word.confidence == pytest.approx(posterior * share, rel=1e-5)


def test_calibration_is_applied_to_every_word() -> None:
    log_probs = rows("a", " ", "ab")
    calibration = Calibration(0.5, 1.0)
    for raw, mapped in zip(
        decoder(num_hypotheses=3).decode(log_probs, 1.5),
        decoder(calibration, num_hypotheses=3).decode(log_probs, 1.5),
        strict=True,
    ):
        expected = [calibration(word.confidence) for word in raw.words]
        assert [word.confidence for word in mapped.words] == pytest.approx(expected)


@pytest.mark.slow
@given(st.integers(0, 12), st.integers(0, 2**32))
def test_any_posteriors_give_finite_scores_and_words_within_the_recording(
    num_frames: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    probs = random.random((num_frames, ABCD.num_labels)) ** random.choice([1, 9])
    probs[random.random(probs.shape) < 0.5] = 0
    probs[np.arange(num_frames), random.integers(0, ABCD.num_labels, num_frames)] += 1e-3
    with np.errstate(divide="ignore"):
        log_probs = np.log(probs / probs.sum(axis=1, keepdims=True)).astype(np.float32)
    lexicon = LexiconTree.from_words(["ab", "cab", "d"], ABCD)
    closed = NBestDecoder(
        BeamDecoder(ABCD, DecodeConfig(open_vocabulary=False), lexicon=lexicon), 0.5
    )
    for found in (*closed.decode(log_probs, 0.5 * num_frames), *decoder().decode(log_probs, 6)):
        assert np.isfinite([found.log_prob, found.score]).all()
        for word in found.words:
            assert 0 <= word.start < word.end <= 0.5 * num_frames
            assert 0 <= word.confidence <= 1


@pytest.mark.parametrize("frames", [[], ["-"], [" "], ["- "] * 4])
def test_silence_has_no_words(frames: list[str]) -> None:
    log_probs = rows(*frames) if frames else np.zeros((0, 6), np.float32)
    best = decoder().decode(log_probs, 0.5 * len(frames))[0]
    assert (best.text, best.words) == ("", ())


class ByWord(LanguageModel):
    """Words have probabilities of their own; an end costs nothing."""

    num_words, alphabet_sha256, start_state, sentence_end = 4, None, 0, 1

    def __init__(self, a: float, b: float) -> None:
        self._log_probs = np.array([-9, 0, a, b], np.float32)

    @property
    def words(self) -> Sequence[str]:
        return ["<unk>", "</s>", "a", "b"]

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return states, self._log_probs[words]


FOUND = [
    BeamHypothesis("a a", (), (), -1.0, -2.0, -4.5),
    BeamHypothesis("b", (), (), -2.0, -2.5, -5.0),
    BeamHypothesis("", (), (), -9.0, 0.0, -9.0),
]


def test_what_the_first_model_gave_is_taken_back() -> None:
    b, a, nothing = rescored(FOUND, ByWord(-1, -2), ByWord(-3, -1.5), lm_weight=0.5)
    # "a a" loses 4; "b" gains 0.5 and keeps what the first pass has charged for more than words.
    assert b == replace(FOUND[1], lm_log_prob=-2.0, score=-4.75)
    assert a == replace(FOUND[0], lm_log_prob=-6.0, score=-6.5)
    assert nothing == FOUND[2]


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_the_same_model_changes_nothing(weight: float) -> None:
    assert rescored(FOUND, ByWord(-1, -2), ByWord(-1, -2), weight) == FOUND
