"""Hot words in a decoder: what is not spoken changes nothing, what is spoken is found."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder, BeamHypothesis
from speechlstm.decoding.hot_words import MAX_LOSS, WORD_LOSS, WORD_LOSS_A_LABEL, HotWords
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.table import NGrams, NGramTable
from speechlstm.text.alphabet import ENGLISH, Alphabet

PHONES = Alphabet(("K", "AE", "T", "D", "AO", "G", "S", "N", "IH", "L"), separator=" ")
ENTRIES = {
    "cat": (("K", "AE", "T"),),
    "cats": (("K", "AE", "T", "S"),),
    "dog": (("D", "AO", "G"),),
    "sat": (("S", "AE", "T"),),
    "in": (("IH", "N"),),
    "lid": (("L", "IH", "D"),),
    "tall": (("T", "AO", "L"),),
    "kill": (("K", "IH", "L"),),
}
NEW = {
    "catalog": [("K", "AE", "T", "AH", "L", "AO", "G")],
    "dogtail": [("D", "AO", "G", "T", "AE", "L")],
}
NEW = {word: [tuple(p for p in way if p != "AH") for way in ways] for word, ways in NEW.items()}
WEIGHTS = (0.7, 2.0, 10.0)


def unigrams(words: Sequence[str]) -> NGramModel:
    """A language model in which the words are equally likely, and an unknown one is rare."""
    vocabulary = ["<unk>", "<s>", "</s>", *words]
    log10_probs = np.full(len(vocabulary), -1, np.float32)
    log10_probs[:2] = -3, -99
    rows = np.arange(len(vocabulary), dtype=np.int32)[:, np.newaxis]
    return NGramModel.from_table(
        NGramTable(vocabulary, [NGrams(rows, log10_probs, np.zeros_like(log10_probs))])
    )


LM = unigrams(tuple(ENTRIES))
LEXICON = LexiconTree.from_pronunciations(ENTRIES, PHONES)


def spoken(
    labels: Sequence[int], num_labels: int, posterior: float = 0.9, seed: int = 0
) -> NDArray[np.float32]:
    """Log-probabilities of labels, each two frames and a blank; what is left has random shares."""
    frames = [0] + [frame for label in labels for frame in (label, label, 0)]
    probs = (1 - posterior) * np.random.default_rng(seed).dirichlet(
        np.ones(num_labels), len(frames)
    )
    probs[np.arange(len(frames)), frames] += posterior
    return np.log(probs).astype(np.float32)


def phones_of(*words: str) -> list[int]:
    ways = ENTRIES | NEW
    return PHONES.encode(" ".join(phone for word in words for phone in ways[word][0]))


def decode(
    log_probs: NDArray[np.float32], *hot_words: str, weight: float = 0.7
) -> list[BeamHypothesis]:
    config = DecodeConfig(hot_words=hot_words, hot_word_weight=weight, num_hypotheses=5)
    decoder = BeamDecoder(PHONES, config, LM, LEXICON, pronunciations=NEW)
    return decoder.decode(log_probs)


@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_hot_word_that_only_begins_as_what_is_said_changes_nothing(weight: float) -> None:
    for words in (("cat", "sat", "in"), ("dog", "tall"), ("in", "cat")):
        log_probs = spoken(phones_of(*words), PHONES.num_labels)
        without = decode(log_probs)
        assert without[0].text == " ".join(words)
        assert decode(log_probs, "catalog", "dogtail", "cat lid", weight=weight) == without


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("place", range(4))
def test_a_long_phrase_with_one_wrong_word_changes_nothing(place: int, weight: float) -> None:
    said, others = ["tall", "dog", "kill", "cat"], ["kill", "in", "tall", "sat"]
    log_probs = spoken(phones_of(*said), PHONES.num_labels)
    without = decode(log_probs)
    assert without[0].text == "tall dog kill cat"
    wrong = [*said[:place], others[place], *said[place + 1 :]]
    assert decode(log_probs, " ".join(wrong), weight=weight) == without


def heard_as(phone: str, index: int, by: float, *words: str) -> NDArray[np.float32]:
    """Log-probabilities of words of which one phone is below another, in its two frames."""
    phones = phones_of(*words)
    log_probs = spoken(phones, PHONES.num_labels)
    frames = slice(1 + 3 * index, 3 + 3 * index)
    log_probs[frames, PHONES.encode(phone)] = log_probs[frames, phones[index], np.newaxis] + by
    normalised: NDArray[np.float32] = log_probs - np.logaddexp.reduce(
        log_probs, axis=1, keepdims=True
    )
    return normalised


def test_a_word_of_a_phrase_may_differ_more_the_longer_it_is() -> None:
    said = ("kill", "tall", "catalog", "dog", "sat")
    log_probs = heard_as("D", 9, 7.6, *said)
    assert decode(log_probs)[0].text == "kill tall cat dog dog sat"
    assert decode(log_probs, " ".join(said), weight=1.25)[0].text == " ".join(said)
    log_probs = heard_as("L", 4, 4.85, "tall", "in", "dog", "kill")
    without = decode(log_probs)
    assert without[0].text == "tall kill dog kill"
    assert decode(log_probs, "tall in dog kill", weight=1.25) == without


def test_a_word_of_a_phrase_may_differ_as_much_as_alone() -> None:
    hot_words = HotWords(DecodeConfig(hot_words=("cat",)), PHONES, 0, LEXICON, {})
    for num_labels in range(1, 200):
        alone = hot_words.most(MAX_LOSS, num_labels)
        assert alone <= WORD_LOSS + WORD_LOSS_A_LABEL * num_labels


def edits_from(phones: list[int], spoken_phones: list[int]) -> int:
    """The fewest edits that make phones of any stretch of a text (Sellers, 1980)."""
    costs = [0] * (len(spoken_phones) + 1)
    for phone in phones:
        before, costs = costs, [costs[0] + 1]
        for i, other in enumerate(spoken_phones):
            change = before[i] + (phone != other)
            costs.append(min(change, before[i + 1] + 1, costs[i] + 1))
    return min(costs)


@pytest.mark.slow
@given(
    st.lists(st.sampled_from(sorted(ENTRIES)), min_size=1, max_size=5),
    st.sets(st.sampled_from([*ENTRIES, *NEW, "cat in", "tall dog", "sat sat"]), min_size=1),
    st.sampled_from(WEIGHTS),
    st.integers(0, 2**32),
)
def test_what_is_not_said_changes_nothing(
    words: list[str], hot_words: set[str], weight: float, seed: int
) -> None:
    spoken_phones = phones_of(*words)
    log_probs = spoken(spoken_phones, PHONES.num_labels, 0.95, seed)
    others = [w for w in sorted(hot_words) if edits_from(phones_of(*w.split()), spoken_phones) > 1]
    assert decode(log_probs, *others, weight=weight) == decode(log_probs)


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("new", sorted(NEW))
def test_a_new_word_is_found_with_the_words_around_it(new: str, weight: float) -> None:
    log_probs = spoken(phones_of("in", new, "sat", "in"), PHONES.num_labels)
    assert new not in decode(log_probs)[0].text
    best = decode(log_probs, new, weight=weight)[0]
    assert best.text == f"in {new} sat in"
    labels = phones_of("in", new, "sat", "in")
    assert list(best.labels) == labels
    assert [labels[i:j] for i, j in best.spans] == [phones_of(word) for word in best.text.split()]


def test_a_phrase_and_a_word_twice_are_found() -> None:
    text = ("dogtail", "cat", "dogtail")
    log_probs = spoken(phones_of(*text), PHONES.num_labels)
    assert decode(log_probs, "dogtail cat", "dogtail")[0].text == " ".join(text)


def test_a_hot_word_that_is_found_anyway_costs_no_second_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_probs = spoken(phones_of("cat", "sat"), PHONES.num_labels)
    searches = []
    search = BeamDecoder.search

    def counted(self: BeamDecoder, *arguments: object, **named: object) -> object:
        searches.append(1)
        return search(self, *arguments, **named)

    monkeypatch.setattr(BeamDecoder, "search", counted)
    assert decode(log_probs, "cat", "sat")[0].text == "cat sat"
    assert len(searches) == 1


def test_of_words_that_sound_alike_the_hot_one_is_preferred() -> None:
    lexicon = LexiconTree.from_pronunciations(ENTRIES | {"katt": (("K", "AE", "T"),)}, PHONES)
    lm = unigrams((*ENTRIES, "katt"))
    log_probs = spoken(phones_of("cat", "sat"), PHONES.num_labels)

    def text(*hot_words: str) -> str:
        decoder = BeamDecoder(PHONES, DecodeConfig(hot_words=hot_words), lm, lexicon)
        return decoder.decode(log_probs)[0].text

    assert text("katt") == "katt sat"
    assert text("cat") == "cat sat"
    assert text("katt:-1", "cat:-1") in ("cat sat", "katt sat")
    assert text("cat:-1") == "katt sat"


@pytest.mark.slow
@pytest.mark.parametrize("with_lm", [True, False])
@pytest.mark.parametrize("is_open", [True, False])
def test_characters_have_hot_words_too(with_lm: bool, is_open: bool) -> None:
    words = ("we", "met", "at", "noon")
    log_probs = spoken(ENGLISH.encode("we met zelenskyy at noon"), ENGLISH.num_labels, 0.8, 3)
    # A letter is recognised wrongly: what sounds alike is spelled otherwise.
    wrong = 1 + 3 * len("we met zel")
    log_probs[wrong : wrong + 2] = spoken(ENGLISH.encode("a"), ENGLISH.num_labels, 0.6)[1:3]
    log_probs[wrong : wrong + 2, ENGLISH.encode("e")] = np.log(0.3)
    log_probs -= np.logaddexp.reduce(log_probs, axis=1, keepdims=True)
    lm = unigrams(words) if with_lm else None
    lexicon = None if is_open else LexiconTree.from_words(words, ENGLISH)

    def text(*hot_words: str) -> str:
        config = DecodeConfig(hot_words=hot_words, open_vocabulary=is_open)
        return BeamDecoder(ENGLISH, config, lm, lexicon).decode(log_probs)[0].text

    assert "zelenskyy" not in text()
    assert text("zelenskyy") == "we met zelenskyy at noon"
    assert text("met zelenskyy") == "we met zelenskyy at noon"
    assert text("zealous", "noone") == text()


def test_nothing_is_said_in_silence() -> None:
    for num_frames in (0, 1, 40):
        log_probs = np.log(np.full((num_frames, PHONES.num_labels), 1e-4))
        log_probs[:, 0] = np.log(1 - 1e-4 * (PHONES.num_labels - 1))
        found = decode(log_probs.astype(np.float32), *ENTRIES, *NEW, weight=10)
        assert found[0].text == ""
