"""Makes readable text from recognised words: capitals, punctuation, figures."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from speechlstm.readable.expressions import Expression, expressions
from speechlstm.readable.marked_text import CAPITALISED, COMMA, MARKS, SENTENCE_ENDS, in_case
from speechlstm.readable.punctuation import Punctuator
from speechlstm.transcript import Token, Word


class ReadableWriter:
    """Writes recognised words as readable text. Threads may share one.

    Args:
        path: The network that restores punctuation and case: see Punctuator.
        casing: The spelling of certain words, such as names, by their recognised form.

    Raises:
        BundleError: The network cannot be read.
    """

    def __init__(self, path: Path, casing: Mapping[str, str] | None = None) -> None:
        self._punctuator = Punctuator(path)
        self._casing = {**self._punctuator.mixed_case, **(casing or {})}

    def tokens(self, words: Sequence[Word]) -> tuple[Token, ...]:
        """The words as readable text; each word belongs to exactly one token.

        Args:
            words: Consecutive words of one channel.
        """
        texts = [word.text for word in words]
        pauses = [b.start - a.end for a, b in pairwise(words)]
        marks, cases = self._punctuator.restore(texts, [*pauses, None][: len(words)])
        stops = {place for place, mark in enumerate(marks) if mark in SENTENCE_ENDS}
        written = [
            self._casing.get(text) or in_case(text, case)
            for text, case in zip(texts, cases, strict=True)
        ]
        figures: Iterator[Expression] = iter(())
        if self._punctuator.language == "en":
            commas = {place for place, mark in enumerate(marks) if mark == COMMA}
            figures = expressions(texts, stops, commas)
        tokens = []
        for text, start, end in _pieces(written, figures):
            begins = (start == 0 or start - 1 in stops) and texts[start] not in self._casing
            cased = in_case(text, CAPITALISED) if begins else text
            mark = MARKS[marks[end - 1]]
            ended = cased if mark == "." and cased.endswith(".") else cased + mark
            tokens.append(Token(ended, tuple(words[start:end])))
        return tuple(tokens)


def _pieces(
    written: Sequence[str], figures: Iterator[Expression]
) -> Iterator[tuple[str, int, int]]:
    """Each text with the indices of its words, in order."""
    place = 0
    for figure in figures:
        for single in range(place, figure.start):
            yield written[single], single, single + 1
        yield figure
        place = figure.end
    for single in range(place, len(written)):
        yield written[single], single, single + 1
