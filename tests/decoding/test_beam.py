"""The search against exhaustive enumeration of all CTC paths."""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.alphabet import Alphabet
from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder
from speechlstm.decoding.lexicon import Lexicon
from speechlstm.lm.ngram import NGramModel
from speechlstm.lm.table import NGrams, NGramTable

AB = Alphabet((" ", "a", "b"))
PHONES = Alphabet(("K", "AE", "T"), separator=" ")
WORDS = ("a", "b", "ab", "ba", "aab")
SAID = {  # homophones, several pronunciations, a word that begins as another
    "a": (("AE",),),
    "b": (("AE",), ("T", "AE")),
    "ab": (("AE", "T"), ("K", "AE")),
    "ba": (("T",), ("K", "AE")),
}

# Wide enough that nothing is dropped.
EXACT = DecodeConfig(
    beam_width=10_000,
    num_hypotheses=10_000,
    min_label_log_prob=-1e9,
    max_score_gap=1e9,
    blank_skip=1.0,
    lm_weight=0.7,
    word_bonus=0.4,
    unknown_character_log_prob=-0.9,
    hot_word_weight=0.8,
)


def random_log_probs(seed: int, num_frames: int, num_labels: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    logits = generator.choice([0.5, 3]) * generator.normal(size=(num_frames, num_labels))
    return normalized(logits)


def normalized(logits: NDArray[np.float64]) -> NDArray[np.float32]:
    sums = np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return (logits - sums).astype(np.float32)


def random_lm(seed: int, words: Sequence[str] = WORDS) -> NGramModel:
    """A trigram model of arbitrary scores, in which some n-grams are missing."""
    generator = np.random.default_rng(seed)
    vocabulary = ["<unk>", "<s>", "</s>", *words]
    ids = range(len(vocabulary))
    bigrams = [p for p in itertools.product(ids, ids) if p[1] != 1 and generator.random() < 0.5]
    trigrams = [(*p, w) for p in bigrams for w in ids if w != 1 and generator.random() < 0.3]
    orders = []
    for ngrams in ([(i,) for i in ids], bigrams, trigrams):
        log10_probs = generator.uniform(-1.5, 0, len(ngrams)).astype(np.float32)
        backoffs = generator.uniform(-0.5, 0, len(ngrams)).astype(np.float32)
        rows = np.array(ngrams, np.int32)
        orders.append(NGrams(rows, log10_probs, backoffs * (rows.shape[1] < 3)))
    return NGramModel.from_table(NGramTable(vocabulary, orders))


@cache
def paths_of(
    num_frames: int, num_labels: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], list[tuple[int, ...]]]:
    """All paths, which of the label sequences each collapses to, and these."""
    paths = list(itertools.product(range(num_labels), repeat=num_frames))
    collapsed = [tuple(label for label, _ in itertools.groupby(p) if label) for p in paths]
    sequences = sorted(set(collapsed))
    index = {labels: i for i, labels in enumerate(sequences)}
    return np.array(paths), np.array([index[c] for c in collapsed]), sequences


def label_sequences(log_probs: NDArray[np.float32]) -> dict[tuple[int, ...], float]:
    """Probability of every label sequence: the sum over all paths that collapse to it."""
    paths, indices, sequences = paths_of(*log_probs.shape)
    probs = np.exp(log_probs.astype(np.float64)[np.arange(len(log_probs)), paths].sum(axis=1))
    return dict(zip(sequences, np.bincount(indices, probs).tolist(), strict=True))


def exhaustive(
    log_probs: NDArray[np.float32],
    texts: Callable[[tuple[int, ...]], list[tuple[str, ...]]],
    bonus: Callable[[tuple[str, ...]], float],
) -> dict[str, float]:
    """Score of every text: of the label sequences that spell it, and what its words add."""
    probs: dict[tuple[str, ...], float] = defaultdict(float)
    for labels, prob in label_sequences(log_probs).items():
        for words in set(texts(labels)):
            probs[words] += prob
    return {" ".join(w): math.log(p) + bonus(w) for w, p in probs.items() if p > 0}


def spelled(labels: tuple[int, ...]) -> list[tuple[str, ...]]:
    return [tuple(AB.decode(labels).split())]


@cache
def pronounced(labels: tuple[int, ...]) -> list[tuple[str, ...]]:
    phones = tuple(PHONES.symbols[label - 1] for label in labels)
    found = [()] if not phones else []
    for word, ways in SAID.items():
        for way in ways:
            if phones[: len(way)] == way:
                found += [(word, *words) for words in pronounced(labels[len(way) :])]
    return found


def word_bonus(
    config: DecodeConfig, lm: NGramModel | None, known: Sequence[str] = WORDS
) -> Callable[[tuple[str, ...]], float]:
    """What the words of a text add to its score."""

    def hot(words: tuple[str, ...]) -> float:
        total = 0.0
        for phrase in (tuple(p.split()) for p in config.hot_words):
            starts = range(len(words) - len(phrase) + 1)
            found = sum(words[i : i + len(phrase)] == phrase for i in starts)
            total += found * len("".join(phrase)) * config.hot_word_weight
        return total

    def bonus(words: tuple[str, ...]) -> float:
        if lm is None:
            return hot(words)
        log_prob, _ = lm.sentence_log_prob(words)
        unknown = sum(len(w) for w in words if w not in known) * config.unknown_character_log_prob
        return config.lm_weight * (log_prob + unknown) + config.word_bonus * len(words) + hot(words)

    return bonus


def check(decoder: BeamDecoder, log_probs: NDArray[np.float32], expected: dict[str, float]) -> None:
    found = decoder.decode(log_probs)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    assert {h.text: h.score for h in found} == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_characters_equal_exhaustive_search(seed: int) -> None:
    log_probs = random_log_probs(seed, 6, 4)
    expected = exhaustive(log_probs, spelled, word_bonus(EXACT, None))
    check(BeamDecoder(AB, EXACT), log_probs, expected)


@pytest.mark.parametrize("hot_words", [(), ("b",), ("ab a", "b", "bb", "a ab")])
@pytest.mark.parametrize("seed", range(4))
def test_an_open_vocabulary_equals_exhaustive_search(seed: int, hot_words: tuple[str, ...]) -> None:
    config = replace(EXACT, hot_words=hot_words)
    log_probs, lm = random_log_probs(seed, 5, 4), random_lm(seed)
    known = {*WORDS, *" ".join(hot_words).split()}
    expected = exhaustive(log_probs, spelled, word_bonus(config, lm, tuple(known)))
    check(BeamDecoder(AB, config, lm), log_probs, expected)


@pytest.mark.parametrize("hot_words", [(), ("b",), ("ab a", "b", "a ab")])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("with_lm", [True, False])
def test_phones_equal_exhaustive_search(
    seed: int, hot_words: tuple[str, ...], with_lm: bool
) -> None:
    config = replace(EXACT, hot_words=hot_words)
    log_probs, lm = random_log_probs(seed, 5, 4), random_lm(seed, ("a", "b", "ab"))
    lm = lm if with_lm else None
    expected = exhaustive(log_probs, pronounced, word_bonus(config, lm, tuple(SAID)))
    lexicon = Lexicon.from_pronunciations(SAID, PHONES)
    check(BeamDecoder(PHONES, config, lm, lexicon), log_probs, expected)
