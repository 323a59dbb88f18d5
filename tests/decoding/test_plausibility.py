import pytest

from speechlstm.decoding.grammar import PhraseGrammar
from speechlstm.decoding.plausibility import plausible
from speechlstm.text.phrases import Phrase
from speechlstm.transcript import Hypothesis, Word


def hypothesis(*words: Word, score: float = -1.0) -> Hypothesis:
    return Hypothesis(" ".join(word.text for word in words), words, score, score=score)


ONE = Word("one", 0.2, 0.5, 0.9)
TWO = Word("two", 0.6, 0.8, 0.7)


def anywhere(start: float, end: float) -> bool:
    return True


def test_what_may_be_said_stays_as_it_is() -> None:
    hypotheses = [hypothesis(ONE, TWO), hypothesis(TWO, score=-2.0), hypothesis(score=-3.0)]
    assert plausible(hypotheses, anywhere) == hypotheses


@pytest.mark.parametrize(
    "word",
    [
        Word("oratorical", 0.24, 10.38, 0.15),  # in a siren
        Word("a", 0.0, 1.3, 0.9),
        Word("what", 0.6, 0.9, 0.002),
    ],
)
def test_words_too_long_or_certain_to_be_wrong_are_dropped(word: Word) -> None:
    (kept,) = plausible([hypothesis(ONE, word, TWO)], anywhere)
    assert (kept.text, kept.words) == ("one two", (ONE, TWO))
    assert kept.score == -1.0


@pytest.mark.parametrize(
    "word",
    [Word("a", 0.0, 1.2, 0.9), Word("gloriously", 0.0, 3.4, 0.9), Word("what", 0.6, 0.9, 0.004)],
)
def test_slow_and_unsure_words_stay(word: Word) -> None:
    assert plausible([hypothesis(word)], anywhere)[0].words == (word,)


def test_words_where_nobody_can_speak_are_dropped() -> None:
    (kept,) = plausible([hypothesis(ONE, TWO)], lambda start, end: end <= 0.5)
    assert kept.text == "one"


def test_phrases_of_a_grammar_are_dropped_as_a_whole() -> None:
    grammar = PhraseGrammar([Phrase(text) for text in ("do not stop", "stop", "[unk]")], fillers=())
    unsure = Word("not", 0.3, 0.5, 0.001)
    unknown = Word("[unk]", 2.0, 9.0, 0.001)
    words = (Word("do", 0.0, 0.2, 0.9), unsure, Word("stop", 0.6, 0.8, 0.9), unknown)
    (kept,) = plausible([hypothesis(*words)], anywhere, grammar.units)
    assert kept.text == "[unk]"
    (kept,) = plausible([hypothesis(words[2], *words)], anywhere, grammar.units)
    assert kept.words == (words[2], unknown)


def test_hypotheses_that_become_equal_are_one() -> None:
    hum = Word("hum", 1.0, 2.0, 0.001)
    kept = plausible(
        [hypothesis(ONE, hum), hypothesis(ONE, score=-2.0), hypothesis(hum, score=-3.0)], anywhere
    )
    assert [(h.text, h.score) for h in kept] == [("one", -1.0), ("", -3.0)]
