"""Removes words that cannot be speech, by their length, their confidence or their sound."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from speechlstm.text.phrases import UNKNOWN
from speechlstm.transcript import Hypothesis, Word

# Slow speech takes 0.1 s a letter. Words longer than this consist of blanks with a label now and
# then, which networks emit in hum.
_LONGEST_SECONDS = 1.0
_LONGEST_SECONDS_A_LETTER = 0.25
_LEAST_CONFIDENCE = 0.003


def single_words(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Each word by itself: the units of `plausible` where any word may follow any other."""
    return [(word,) for word in words]


def plausible(
    hypotheses: Iterable[Hypothesis],
    is_speech_possible: Callable[[float, float], bool],
    units: Callable[[Sequence[Word]], list[Sequence[Word]]] = single_words,
) -> list[Hypothesis]:
    """The hypotheses without implausible words; those that become equal are returned once.

    Their scores do not change.

    >>> word = Word("one", 0.2, 0.5, 0.9), Word("two", 0.6, 7.0, 0.9)
    >>> plausible([Hypothesis("one two", word, -1.0)], lambda start, end: True)[0].text
    'one'

    Args:
        hypotheses: The best one first.
        is_speech_possible: Whether there can be speech from start to end, in seconds.
        units: Divides words into those that are kept or dropped together: see `Decoder.units`.
    """
    kept: dict[str, Hypothesis] = {}
    for hypothesis in hypotheses:
        words = tuple(
            word
            for unit in units(hypothesis.words)
            if all(_is_word(word) and is_speech_possible(word.start, word.end) for word in unit)
            for word in unit
        )
        is_whole = len(words) == len(hypothesis.words)
        text = hypothesis.text if is_whole else " ".join(word.text for word in words)
        kept.setdefault(text, replace(hypothesis, text=text, words=words))
    return list(kept.values())


def _is_word(word: Word) -> bool:
    if word.text == UNKNOWN:  # of any length, and found because nothing fits well
        return True
    longest = _LONGEST_SECONDS + _LONGEST_SECONDS_A_LETTER * len(word.text)
    return word.end - word.start <= longest and word.confidence >= _LEAST_CONFIDENCE
