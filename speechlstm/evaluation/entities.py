"""Errors in entities: numbers, names and whatever else patterns describe."""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unicodedata import normalize

from speechlstm.errors import DataError, quoted
from speechlstm.evaluation.metrics import AlignedWords, ErrorCounts
from speechlstm.readable.numbers import NUMBER_WORDS, ORDINAL_WORDS
from speechlstm.storage import listed, read_text

_NAMED = re.compile(r"\s*(\w[\w -]*?)\s*:\s*(\S.*)")
_LONGEST_PATTERN = 2000  # characters


@dataclass(frozen=True)
class EntityPattern:
    """A kind of entity.

    Attributes:
        name: Of the kind; several patterns may have the same.
        pattern: Matches entities in a reference: whole words, separated by spaces.
    """

    name: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, name: str, expression: str) -> "EntityPattern":
        """A pattern for whole words, from a regular expression; case does not matter."""
        return cls(name, re.compile(rf"(?<!\S)(?:{expression})(?!\S)", re.IGNORECASE))


_NUMBER = "|".join(sorted(NUMBER_WORDS | ORDINAL_WORDS)) + r"|\d[\d.,:/]*(?:st|nd|rd|th)?"
# Runs of English number words, or figures. "One" counts, also where it is a pronoun.
NUMBERS = EntityPattern.of("numbers", rf"(?:{_NUMBER})(?: (?:{_NUMBER}))*")


@dataclass(frozen=True)
class EntityErrors:
    """The errors in the entities of a kind.

    Attributes:
        words: Errors in their words; an insertion counts if it is between two of them.
        num_entities: How many there are in the references.
        num_correct: How many of them have no error.
    """

    words: ErrorCounts = field(default_factory=ErrorCounts)
    num_entities: int = 0
    num_correct: int = 0


def read_entities(path: Path) -> list[EntityPattern]:
    """Read patterns: one regular expression a line, after the name of its kind and a colon.

    Without a name, the kind is "entities". Empty lines are left out, and comments, which # begins.

    Raises:
        DataError: The file cannot be read, has no pattern, or a line is no regular expression.
    """
    try:
        text = read_text(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    found = [_pattern(f"{path}:{number}", line) for number, line in listed(text)]
    if not found:
        raise DataError(f"{path}: has no pattern; give one a line, as in 'city: new york|boston'")
    return found


def _pattern(where: str, line: str) -> EntityPattern:
    named = _NAMED.fullmatch(line)
    name, expression = named.groups() if named else ("entities", line.strip())
    if len(expression) > _LONGEST_PATTERN:
        raise DataError(f"{where}: has more than {_LONGEST_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            # "[[a]": Python may read sets otherwise some day, which is nothing to users.
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(expression)
            # As normalised references have them: composed letters, and one kind of apostrophe.
            composed = normalize("NFC", expression).replace("\u2019", "'")
            return EntityPattern.of(name, composed)
    except (re.error, RecursionError, OverflowError) as error:
        raise DataError(
            f"{where}: {quoted(expression)} is no regular expression: {error}"
        ) from None


def entity_errors(
    alignments: Sequence[Sequence[AlignedWords]], patterns: Sequence[EntityPattern]
) -> dict[str, EntityErrors]:
    """The errors in the entities of each kind, also of one that the references do not have.

    >>> from speechlstm.evaluation.metrics import align_words
    >>> alignment = align_words("go to room twenty two", "go to room twenty too")
    >>> entity_errors([alignment], [NUMBERS])["numbers"].words.rate
    0.5
    """
    found = {pattern.name: EntityErrors() for pattern in patterns}
    for alignment in alignments:
        words = [pair.reference for pair in alignment if pair.reference is not None]
        for pattern in patterns:
            for first, last in _spans(words, pattern.pattern):
                counts = _counts(alignment, first, last)
                old = found[pattern.name]
                found[pattern.name] = EntityErrors(
                    old.words + counts,
                    old.num_entities + 1,
                    old.num_correct + (counts.num_errors == 0),
                )
    return found


def _spans(words: Sequence[str], pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The first and the last word of each match."""
    text = " ".join(words)
    for match in pattern.finditer(text):
        if match[0].strip():
            first = text.count(" ", 0, match.start())
            yield first, first + match[0].strip().count(" ")


def _counts(alignment: Sequence[AlignedWords], first: int, last: int) -> ErrorCounts:
    """The errors between two words of the reference, both included."""
    hits = substitutions = deletions = insertions = 0
    place = -1  # of the last word of the reference so far
    for pair in alignment:
        place += pair.reference is not None
        if pair.reference is None:
            insertions += first <= place < last
        elif first <= place <= last:
            hits += pair.is_correct
            deletions += pair.hypothesis is None
            substitutions += not pair.is_correct and pair.hypothesis is not None
    return ErrorCounts(hits, substitutions, deletions, insertions)
