"""The search against exhaustive enumeration of all CTC paths."""

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.log_probs import LOG_ZERO
from speechlstm.errors import AlphabetError, ConfigError, ModelError
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.table import NGrams, NGramTable
from speechlstm.text.alphabet import ENGLISH, Alphabet

AB = Alphabet((" ", "a", "b"))
PHONES = Alphabet(("K", "AE", "T"), separator=" ")
WORDS = ("a", "b", "ab", "ba", "aab")
SOUNDS = {  # homophones, several pronunciations, a word that begins as another
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


def peaked(symbols: str, alphabet: Alphabet = AB, posterior: float = 0.9) -> NDArray[np.float32]:
    """Log-probabilities whose frames each emit a symbol, or a blank for "-"."""
    probs = np.full((len(symbols), alphabet.num_labels), (1 - posterior) / len(alphabet.symbols))
    for row, symbol in zip(probs, symbols, strict=True):
        row[0 if symbol == "-" else alphabet.symbols.index(symbol) + 1] = posterior
    with np.errstate(divide="ignore"):
        return np.log(probs).astype(np.float32)


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
    for word, ways in SOUNDS.items():
        for way in ways:
            if phones[: len(way)] == way:
                found += [(word, *words) for words in pronounced(labels[len(way) :])]
    return found


def word_bonus(
    config: DecodeConfig, lm: NGramModel | None, known: Sequence[str] = WORDS
) -> Callable[[tuple[str, ...]], float]:
    """What the words of a text add to its score."""
    lacking = {w for w in known if lm and not lm.word_id(w)}

    def hot(words: tuple[str, ...]) -> float:
        total = 0.0
        for hot_word in config.hot_words:  # of negative weight
            phrase = tuple(hot_word.phrase.split())
            starts = range(len(words) - len(phrase) + 1)
            found = sum(words[i : i + len(phrase)] == phrase for i in starts)
            total += found * len("".join(phrase)) * (hot_word.weight or 0)
        return total

    def bonus(words: tuple[str, ...]) -> float:
        if lm is None:
            return hot(words)
        log_prob, _ = lm.sentence_log_prob(words)
        unknown = sum(len(w) for w in words if w not in known) * config.unknown_character_log_prob
        unknown -= sum(math.log(len(lacking)) for w in words if w in lacking)
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


@pytest.mark.parametrize("path", ["a-a", "-a--ab", "a a", "  a", "aab-b ", "---"])
def test_what_is_certain_is_found_exactly(path: str) -> None:
    log_probs = peaked(path, posterior=1.0)
    expected = exhaustive(log_probs, spelled, word_bonus(EXACT, None))
    found = BeamDecoder(AB, replace(EXACT, num_hypotheses=1)).decode(log_probs)
    assert {h.text: h.score for h in found} == expected


@pytest.mark.parametrize("hot_words", [(), ("b:-1",), ("ab a:-2", "b:-0.5", "bb:-1", "a ab:-9")])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
def test_an_open_vocabulary_equals_exhaustive_search(seed: int, hot_words: tuple[str, ...]) -> None:
    config = replace(EXACT, hot_words=hot_words)
    log_probs, lm = random_log_probs(seed, 5, 4), random_lm(seed)
    expected = exhaustive(log_probs, spelled, word_bonus(config, lm))
    check(BeamDecoder(AB, config, lm), log_probs, expected)


@pytest.mark.parametrize("hot_words", [(), ("b:-1",), ("ab a:-2", "b:-0.5", "a ab:-9")])
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
@pytest.mark.parametrize("with_lm", [True, False])
def test_phones_equal_exhaustive_search(
    seed: int, hot_words: tuple[str, ...], with_lm: bool
) -> None:
    config = replace(EXACT, hot_words=hot_words)
    log_probs, lm = random_log_probs(seed, 5, 4), random_lm(seed, ("a", "b"))
    lm = lm if with_lm else None
    expected = exhaustive(log_probs, pronounced, word_bonus(config, lm, tuple(SOUNDS)))
    lexicon = LexiconTree.from_pronunciations(SOUNDS, PHONES)
    check(BeamDecoder(PHONES, config, lm, lexicon), log_probs, expected)


@pytest.mark.parametrize("hot_words", [(), ("ab:-1", "a A:-2", "bb:-3")])
@pytest.mark.parametrize("seed", range(4))
def test_a_lexicon_of_characters_equals_exhaustive_search(
    seed: int, hot_words: tuple[str, ...]
) -> None:
    config = replace(EXACT, hot_words=hot_words, open_vocabulary=False)
    known = {"a": ["a"], "A": ["a", "ab"], "b": ["b"], "ab": ["ba"]}

    def read(labels: tuple[int, ...]) -> list[tuple[str, ...]]:
        spelled = AB.decode(labels).split()
        choices = [[w for w, ways in known.items() if part in ways] for part in spelled]
        return list(itertools.product(*choices))

    log_probs, lm = random_log_probs(seed, 5, 4), random_lm(seed, ("a", "b", "ab"))
    expected = exhaustive(log_probs, read, word_bonus(config, lm, tuple(known)))
    lexicon = LexiconTree.from_pronunciations(known, AB)
    check(BeamDecoder(AB, config, lm, lexicon), log_probs, expected)


def test_the_vocabulary_of_the_language_model_may_be_all_there_is() -> None:
    config = replace(EXACT, open_vocabulary=False)
    log_probs, lm = random_log_probs(0, 5, 4), random_lm(0)

    def read(labels: tuple[int, ...]) -> list[tuple[str, ...]]:
        words = spelled(labels)[0]
        return [words] if set(words) <= set(WORDS) else []

    check(
        BeamDecoder(AB, config, lm), log_probs, exhaustive(log_probs, read, word_bonus(config, lm))
    )


@pytest.mark.parametrize("alphabet", [PHONES, Alphabet(("a", "b", "c"))])
def test_without_spaces_equals_exhaustive_search(alphabet: Alphabet) -> None:
    log_probs = random_log_probs(0, 5, 4)
    expected = exhaustive(
        log_probs, lambda labels: [(alphabet.decode(labels),)], word_bonus(EXACT, None)
    )
    check(BeamDecoder(alphabet, EXACT), log_probs, expected)


@st.composite
def matrices(draw: st.DrawFn) -> NDArray[np.float32]:
    """Up to 12 frames; flat, peaked, with impossible labels, or certain."""
    num_frames = draw(st.integers(0, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = draw(st.sampled_from([0.0, 1.0, 8.0])) * random.normal(size=(num_frames, 4))
    if draw(st.booleans()):
        logits[random.random(logits.shape) < 0.4] = -np.inf
        logits[np.arange(num_frames), random.integers(0, 4, num_frames)] = 0
    with np.errstate(divide="ignore"):
        return normalized(logits)


LM = random_lm(1)
DECODERS = [
    lambda config: BeamDecoder(AB, config),
    lambda config: BeamDecoder(AB, replace(config, hot_words=("ab", "b a", "a:-1")), LM),
    lambda config: BeamDecoder(
        PHONES,
        replace(config, hot_words=("b", "ab b", "new a"), hot_word_weight=9),
        LM,
        LexiconTree.from_pronunciations(SOUNDS, PHONES),
        pronunciations={"new": [("T", "T", "AE")]},
    ),
    lambda config: BeamDecoder(
        Alphabet(("a", "b", "c")), replace(config, hot_words=("ab", "c")), None
    ),
    lambda config: BeamDecoder(PHONES, config, LM, LexiconTree.from_pronunciations(SOUNDS, PHONES)),
]


@pytest.mark.slow
@given(matrices(), st.sampled_from(DECODERS), st.sampled_from([1, 2, 5]), st.booleans())
def test_narrow_beams_stay_sound(
    log_probs: NDArray[np.float32],
    decoder: Callable[[DecodeConfig], BeamDecoder],
    width: int,
    exact: bool,
) -> None:
    config = replace(EXACT if exact else DecodeConfig(), beam_width=width, num_hypotheses=3)
    found = decoder(config).decode(log_probs)
    assert found == decoder(config).decode(log_probs)
    assert 1 <= len(found) <= 3
    assert len({h.text for h in found}) == len(found)
    assert all(math.isfinite(x) for h in found for x in (h.score, h.log_prob, h.lm_log_prob))
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)
    for h in found:
        assert all(a < b for a, b in h.spans)
        assert len(h.spans) == len(h.text.split())
        assert h.log_prob < 1e-6


@pytest.mark.slow
@given(matrices(), st.sampled_from([1, 2, 5]))
def test_no_beam_is_worse_than_the_best_path(log_probs: NDArray[np.float32], width: int) -> None:
    config = DecodeConfig(beam_width=width)
    best = BeamDecoder(AB, config).decode(log_probs)[0]
    assert best.log_prob >= greedy_decode(log_probs, AB, 0.03).log_prob - 1e-6


def test_a_narrow_beam_may_lose_the_best_path_but_not_its_text() -> None:
    # After two frames "a" leads in sum, by paths that the third frame tells apart.
    probs = np.array([[0.55, 0.0, 0.45, 0.0]] * 2 + [[0.0, 0.0, 0.51, 0.49]])
    with np.errstate(divide="ignore"):
        log_probs = np.log(probs).astype(np.float32)
    wide = BeamDecoder(AB, EXACT).decode(log_probs)[0]
    narrow = BeamDecoder(AB, replace(EXACT, beam_width=1)).decode(log_probs)[0]
    assert narrow.log_prob >= greedy_decode(log_probs, AB, 0.03).log_prob
    assert wide.score >= narrow.score


def test_labels_and_spans_are_those_of_the_words() -> None:
    (found,) = BeamDecoder(AB, DecodeConfig()).decode(peaked(" -aa-b- - bb-b "))
    assert found.text == "ab bb"
    assert found.labels == tuple(AB.encode(found.text))
    assert found.spans == ((0, 2), (3, 5))


def test_words_without_boundaries_have_spans_too() -> None:
    lexicon = LexiconTree.from_pronunciations(
        {"cat": [("K", "AE", "T")], "at": [("AE", "T")]}, PHONES
    )
    log_probs = np.log(np.full((8, 4), 0.02))
    for row, label in zip(log_probs, (1, 0, 2, 3, 0, 2, 2, 3), strict=True):
        row[label] = np.log(0.94)
    decoder = BeamDecoder(PHONES, DecodeConfig(), None, lexicon)
    (found,) = decoder.decode(log_probs.astype(np.float32))
    assert (found.text, found.labels) == ("cat at", (1, 2, 3, 2, 3))
    assert found.spans == ((0, 3), (3, 5))


def test_an_unfinished_word_is_cut_off() -> None:
    lexicon = LexiconTree.from_words(["ab", "bab"], AB)
    config = DecodeConfig(beam_width=1, open_vocabulary=False)
    (found,) = BeamDecoder(AB, config, None, lexicon).decode(peaked("ab b", posterior=0.99))
    assert (found.text, found.labels, found.spans) == ("ab", tuple(AB.encode("ab")), ((0, 2),))
    (nothing,) = BeamDecoder(AB, config, None, lexicon).decode(peaked("bb", posterior=0.99))
    assert (nothing.text, nothing.labels, nothing.spans) == ("", (), ())


@pytest.mark.parametrize("weight", [0.7, 0.0])
def test_where_the_lexicon_allows_nothing_the_text_with_fewest_impossible_frames_is_found(
    weight: float,
) -> None:
    lexicon = LexiconTree.from_words(["ab", "bab"], AB)
    config = replace(EXACT, lm_weight=weight, open_vocabulary=False, num_hypotheses=3)
    decoder = BeamDecoder(AB, config, None, lexicon)
    for path, text, num_impossible in (("aa", "", 2), ("ab bb", "ab", 1), ("-b-", "", 1)):
        best = decoder.decode(peaked(path, posterior=1.0))[0]
        assert (best.text, best.score) == (text, pytest.approx(num_impossible * LOG_ZERO))
        assert best.log_prob == best.score


def test_of_equal_hypotheses_the_first_survive() -> None:
    log_probs = np.log(np.full((2, 4), 0.25)).astype(np.float32)
    config = replace(EXACT, beam_width=3)
    assert [h.text for h in BeamDecoder(AB, config).decode(log_probs)] == ["", "a", "b"]


def test_frames_of_near_certain_blank_are_passed_over() -> None:
    log_probs = peaked("a-b", posterior=0.995)
    (exact,) = BeamDecoder(AB, replace(EXACT, num_hypotheses=1)).decode(log_probs)
    (skipped,) = BeamDecoder(AB, replace(EXACT, num_hypotheses=1, blank_skip=0.99)).decode(
        log_probs
    )
    assert skipped.text == exact.text == "ab"
    assert exact.log_prob - 0.01 < skipped.log_prob < exact.log_prob


def test_a_hot_word_of_negative_weight_is_avoided() -> None:
    lm = random_lm(0, ("hat", "heat"))
    log_probs = peaked("h-eet-", ENGLISH, 0.6)

    def decode(*hot_words: str) -> str:
        return BeamDecoder(ENGLISH, DecodeConfig(hot_words=hot_words), lm).decode(log_probs)[0].text

    assert decode() == "heat"
    assert "heat" not in decode("heat:-9").split()
    assert decode("hat:-9") == "heat"


def test_hot_words_need_a_spelling() -> None:
    config = DecodeConfig(hot_words=("a", "zebra"))
    with pytest.raises(AlphabetError, match="'z'"):
        BeamDecoder(AB, config, LM)
    with pytest.raises(ConfigError, match="hot word 'zebra' is not in the lexicon"):
        BeamDecoder(PHONES, config, None, LexiconTree.from_pronunciations(SOUNDS, PHONES))


def test_parts_for_other_alphabets_are_refused() -> None:
    other = NGramModel(LM.trie, "f" * 64)
    with pytest.raises(ModelError, match=f"for the alphabet ffffffffffff, .* {AB.sha256:.12}"):
        BeamDecoder(AB, DecodeConfig(), other)
    with pytest.raises(ModelError, match="the lexicon is for the alphabet"):
        BeamDecoder(AB, DecodeConfig(), None, LexiconTree.from_pronunciations(SOUNDS, PHONES))
    with pytest.raises(ConfigError, match="needs a lexicon"):
        BeamDecoder(PHONES, DecodeConfig(), LM)


def test_what_is_no_matrix_of_log_probabilities_is_refused() -> None:
    decoder = BeamDecoder(AB, DecodeConfig())
    with pytest.raises(ValueError, match=r"shape \(3, 5\)"):
        decoder.decode(np.zeros((3, 5), np.float32))
    with pytest.raises(ValueError, match="sum to 4, not to 1"):
        decoder.decode(np.zeros((3, 4), np.float32))


@pytest.mark.slow
def test_threads_may_share_a_decoder() -> None:
    decoder = BeamDecoder(AB, DecodeConfig(num_hypotheses=5), LM)
    log_probs = [random_log_probs(seed, 30, 4) for seed in range(16)]
    expected = [decoder.decode(matrix) for matrix in log_probs]
    decoder = BeamDecoder(AB, DecodeConfig(num_hypotheses=5), LM)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(decoder.decode, log_probs)) == expected
