"""Punctuated text as words, each with its case and the punctuation mark after it."""

from collections.abc import Iterator
from typing import NamedTuple

from speechlstm.text.normalize import normalize

MARKS = ("", ".", ",", "?", "!")  # after a word, by label
NO_MARK, PERIOD, COMMA, QUESTION, EXCLAMATION = range(5)
SENTENCE_ENDS = (PERIOD, QUESTION, EXCLAMATION)
CASES = ("lower", "capitalised", "upper")  # by label; a single letter is lower or capitalised
LOWER, CAPITALISED, UPPER = range(3)

# Other marks are mapped to MARKS: a dash between words and a colon to a comma.
_LABELS = {
    ".": PERIOD, "…": PERIOD, ";": COMMA, ",": COMMA, ":": COMMA, "?": QUESTION, "!": EXCLAMATION,
    "-": COMMA, "–": COMMA, "—": COMMA,  # noqa: RUF001
}  # fmt: skip
_WEIGHT = {NO_MARK: 0, COMMA: 1, PERIOD: 2, EXCLAMATION: 3, QUESTION: 4}  # the heaviest one counts
# Words whose period does not end a sentence.
_ABBREVIATED = frozenset(
    ("mr", "mrs", "ms", "dr", "st", "jr", "sr", "prof", "rev", "gen", "capt", "lt", "col", "sgt",
     "vs", "vol", "pp", "etc")
)  # fmt: skip


class MarkedWord(NamedTuple):
    """A word of punctuated text.

    Attributes:
        text: The word as it is recognised: see normalize.
        written: The word as it is written in the text, without marks.
        case: The label of its case in CASES.
        mark: The label of the mark after it in MARKS.
    """

    text: str
    written: str
    case: int
    mark: int


def marked_words(text: str) -> list[MarkedWord]:
    """The words of a punctuated text.

    Quotation marks, brackets and hyphens are ignored, because they cannot be heard. Colons,
    semicolons and dashes between words count as commas; periods of abbreviations and initials do
    not count.

    >>> [(word.text, CASES[word.case], MARKS[word.mark]) for word in marked_words("Is it, Tom?")]
    [('is', 'capitalised', ''), ('it', 'lower', ','), ('tom', 'capitalised', '?')]
    """
    words: list[MarkedWord] = []
    for token in text.replace("\u2014", " \u2014 ").split():
        found = list(_words_of(token))
        mark = _mark_after(token, found[-1].text if found else "")
        words += found
        if words and _WEIGHT[mark] > _WEIGHT[words[-1].mark]:
            words[-1] = words[-1]._replace(mark=mark)
    return words


def case_of(written: str) -> int:
    """The label of a word's case; in mixed case, the first letter counts."""
    letters = [letter for letter in written if letter.isalpha()]
    if len(letters) > 1 and all(letter.isupper() for letter in letters):
        return UPPER
    return CAPITALISED if letters and letters[0].isupper() else LOWER


def in_case(word: str, case: int) -> str:
    """A lower-case word in another case.

    >>> in_case("o'clock", UPPER), in_case("ångström", CAPITALISED)
    ("O'CLOCK", 'Ångström')
    """
    if case == LOWER:
        return word
    return word.upper() if case == UPPER else word[:1].upper() + word[1:]


def _words_of(token: str) -> Iterator[MarkedWord]:
    """The words of a token, which is text between two spaces."""
    normalized = normalize(token).split()
    # Lower-casing keeps the length of nearly all words; otherwise, the case is that of the part.
    position, lowered = 0, token.lower().replace("’", "'")  # noqa: RUF001
    for text in normalized:
        place = lowered.find(text, position)
        written = token[place : place + len(text)] if place >= 0 else text
        position = place + len(text) if place >= 0 else position
        written = written.replace("’", "'")  # noqa: RUF001
        yield MarkedWord(text, written, case_of(written), NO_MARK)


def _mark_after(token: str, last: str) -> int:
    """The label of the marks at the end of a token, given its last word."""
    mark = NO_MARK
    for character in reversed(token):
        if character.isalnum():
            break
        label = _LABELS.get(character, NO_MARK)
        mark = label if _WEIGHT[label] > _WEIGHT[mark] else mark
    if mark == PERIOD and (last in _ABBREVIATED or _is_initial(token)):
        return NO_MARK
    return mark


def _is_initial(token: str) -> bool:
    """Whether a token is one letter or several, each with a period: "J.", "U.S."."""
    parts = token.strip("\"'()").split(".")
    return len(parts) > 1 and not parts[-1] and all(len(part) == 1 for part in parts[:-1])
