"""The table of endings against the language model itself, asked each time."""

import numpy as np
import pytest

from speechlstm.config import DecodeConfig
from speechlstm.decoding.fusion import Advance, EndedWords, Integers, WordFusion
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.lm_memory import LMMemory
from speechlstm.decoding.search_state import (
    ENDING,
    LENGTH,
    LM_STATE,
    NODE,
    NUM_FLOATS,
    NUM_INTS,
    Beams,
)
from speechlstm.decoding.word_endings import NOT_QUERIED, Endings
from speechlstm.text.alphabet import Alphabet

PHONES = Alphabet(("K", "AE", "T"), separator=" ")
CHARACTERS = Alphabet((" ", "a", "b"))
WORDS = {"at": (("AE", "T"),), "cat": (("K", "AE", "T"),), "kat": (("K", "AE", "T"),)}


class CountedFusion(WordFusion):
    """Scores that tell hypotheses apart; counts how often it is asked for each."""

    def __init__(self, alphabet: Alphabet) -> None:
        lexicon = (
            LexiconTree.from_pronunciations(WORDS, alphabet)
            if alphabet.separator
            else LexiconTree.from_words(("a", "ab"), alphabet)
        )
        super().__init__(alphabet, DecodeConfig(), None, lexicon)
        self.num_asked = 0

    def end_words(
        self,
        nodes: Integers,
        lengths: Integers,
        lm_states: Integers,
        hot_states: Integers,
        advance: Advance,
    ) -> EndedWords:
        self.num_asked += len(nodes)
        ended = super().end_words(nodes, lengths, lm_states, hot_states, advance)
        scores = lm_states[ended.source] + 0.5 * ended.words
        return ended._replace(lm_states=ended.lm_states + 7, lm_log_probs=scores, gains=-scores)


def random_beams(seed: int, num_beams: int, num_nodes: int) -> Beams:
    generator = np.random.default_rng(seed)
    beams = Beams(np.zeros((NUM_INTS + NUM_FLOATS, num_beams), np.int64))
    beams.ints[NODE] = generator.integers(0, num_nodes, num_beams)
    beams.ints[LENGTH] = generator.integers(1, 5, num_beams)
    beams.ints[LM_STATE] = generator.integers(0, 1 << 40, num_beams)
    beams.ints[ENDING] = NOT_QUERIED
    return beams


@pytest.mark.parametrize("alphabet", [PHONES, CHARACTERS])
def test_endings_are_those_of_the_fusion_however_they_are_asked_for(alphabet: Alphabet) -> None:
    fusion, oracle = CountedFusion(alphabet), CountedFusion(alphabet)
    endings, generator = Endings(fusion), np.random.default_rng(1)
    beams = random_beams(0, 900, fusion.lexicon.tree.outside)
    asked: set[int] = set()
    for share in (0.1, 0.5, 0.5, 1.0):  # the table grows on the way
        columns = np.flatnonzero(generator.random(900) < share)
        asked |= set(columns.tolist())
        found = endings.of(beams, columns)
        ints = beams.ints[:, columns]
        expected = oracle.end_words(
            ints[NODE], ints[LENGTH], ints[LM_STATE], 0 * ints[NODE], LMMemory(None).advance
        )
        expected = expected._replace(source=columns[expected.source])
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        assert fusion.num_asked == len(asked)


def test_what_a_hypothesis_was_asked_stays_with_it_when_others_are_dropped() -> None:
    fusion = CountedFusion(PHONES)
    endings = Endings(fusion)
    beams = random_beams(3, 50, fusion.lexicon.tree.outside)
    before = endings.of(beams)
    kept = np.arange(10, 30)
    after = endings.of(beams.take(kept))
    assert fusion.num_asked == 50
    is_kept = np.isin(before.source, kept)
    np.testing.assert_array_equal(after.source + 10, before.source[is_kept])
    np.testing.assert_array_equal(after.gains, before.gains[is_kept])


def test_where_no_word_can_end_nothing_is_found() -> None:
    fusion = CountedFusion(PHONES)
    beams = random_beams(0, 4, 1)  # all between words
    assert Endings(fusion).of(beams).source.size == 0
    assert Endings(fusion).of(beams, np.array([], np.int64)).source.size == 0
