from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechlstm.decoding.greedy import greedy_decode
from speechlstm.text.alphabet import Alphabet

AB = Alphabet((" ", "a", "b"))
PHONES = Alphabet(("AH", "B"), separator=" ")


def matrix(path: str, symbols: str, posteriors: list[float] | None = None) -> NDArray[np.float32]:
    """Log-probabilities whose best path is `path`, one character a frame, "-" for the blank."""
    num_labels = len(symbols) + 1
    rows = []
    for frame, character in enumerate(path):
        posterior = posteriors[frame] if posteriors else 0.7
        row = np.full(num_labels, (1 - posterior) / (num_labels - 1))
        row[("-" + symbols).index(character)] = posterior
        rows.append(row)
    return np.log(np.array(rows, np.float32).reshape(-1, num_labels))


@st.composite
def log_probs(draw: st.DrawFn) -> NDArray[np.float32]:
    num_frames = draw(st.integers(0, 30))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    logits = draw(st.sampled_from([0.1, 3, 30])) * generator.normal(size=(num_frames, 4))
    shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
    return (shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))).astype(np.float32)


@given(log_probs())
def test_text_is_the_best_path_collapsed(log_probs: NDArray[np.float32]) -> None:
    best = ["- ab"[row.argmax()] for row in log_probs]
    collapsed = "".join(symbol for symbol, _ in groupby(best) if symbol != "-")
    hypothesis = greedy_decode(log_probs, AB, 0.03)
    assert hypothesis.text == " ".join(collapsed.split())
    assert hypothesis.text == " ".join(word.text for word in hypothesis.words)


@given(log_probs())
def test_words_follow_each_other_within_the_frames(log_probs: NDArray[np.float32]) -> None:
    hypothesis = greedy_decode(log_probs, AB, 0.03)
    times = [time for word in hypothesis.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(0 <= time <= 0.03 * len(log_probs) for time in times)
    assert all(word.start < word.end and 0 < word.confidence <= 1 for word in hypothesis.words)


def test_times_run_from_the_first_to_the_last_emitting_frame() -> None:
    hypothesis = greedy_decode(matrix("--aa-b--  -b-", " ab"), AB, 0.5)
    assert [(w.text, w.start, w.end) for w in hypothesis.words] == [("ab", 1, 3), ("b", 5.5, 6)]


def test_a_blank_parts_equal_symbols() -> None:
    assert greedy_decode(matrix("aa-aab-b", " ab"), AB, 0.5).text == "aabb"


def test_confidence_is_the_geometric_mean_over_the_words_own_frames() -> None:
    posteriors = [0.9, 0.5, 0.8, 0.9, 0.6, 0.7, 0.99]
    hypothesis = greedy_decode(matrix("-aa-b b", " ab", posteriors), AB, 0.5)
    expected = [(0.5 * 0.8 * 0.6) ** (1 / 3), 0.99]
    assert [w.confidence for w in hypothesis.words] == pytest.approx(expected, rel=1e-5)


def test_log_prob_is_that_of_the_path() -> None:
    hypothesis = greedy_decode(matrix("-ab", " ab", [0.9, 0.5, 0.8]), AB, 0.5)
    assert hypothesis.log_prob == pytest.approx(np.log(0.9 * 0.5 * 0.8), rel=1e-5)
    assert hypothesis.lm_log_prob == 0


def test_each_symbol_of_a_separated_alphabet_is_a_word() -> None:
    hypothesis = greedy_decode(matrix("-xx-xy", "xy"), PHONES, 0.5)
    words = [(w.text, w.start, w.end) for w in hypothesis.words]
    assert words == [("AH", 0.5, 1.5), ("AH", 2, 2.5), ("B", 2.5, 3)]
    assert hypothesis.text == "AH AH B"


@pytest.mark.parametrize("path", ["", "---", "- - ", "  "])
def test_silence_has_no_words(path: str) -> None:
    hypothesis = greedy_decode(matrix(path, " ab"), AB, 0.5)
    assert (hypothesis.text, hypothesis.words) == ("", ())


def test_labels_of_probability_0_do_no_harm() -> None:
    with np.errstate(divide="ignore"):
        hypothesis = greedy_decode(matrix("-ab", " ab", [1.0, 1.0, 1.0]), AB, 0.5)
    assert (hypothesis.text, hypothesis.log_prob) == ("ab", 0)


@pytest.mark.parametrize("shape", [(4,), (5, 3), (1, 5, 4), (5, 5)])
def test_refuses_another_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"shape .* the alphabet needs"):
        greedy_decode(np.full(shape, np.log(0.25), np.float32), AB, 0.5)


@pytest.mark.parametrize(
    ("convert", "total"),
    [
        (np.exp, "not to 1"),  # probabilities
        (lambda m: m / np.log(10), "not to 1"),  # base 10
        (lambda m: m + 100, "not to 1"),  # logits
        (lambda m: m + 1000, "inf"),
        (lambda m: m * np.nan, "nan"),
        (lambda m: m - np.inf, "sum to 0"),
    ],
)
def test_refuses_what_is_no_natural_logarithm(convert, total: str) -> None:  # noqa: ANN001
    good = matrix("a-b", " ab")
    with pytest.raises(ValueError, match=f"frame 1 .*{total}"):
        greedy_decode(np.vstack([good[:1], convert(good[1:])]), AB, 0.5)
