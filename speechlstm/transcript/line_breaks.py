"""Where the lines of a subtitle break, and what a break costs."""

from collections.abc import Sequence

from speechlstm.errors import writable
from speechlstm.transcript.words import Token, Word

Spoken = Word | Token

_PAUSE = 0.4  # seconds; this long, a pause is as good a break as a comma
SENTENCE_ENDS, _PHRASE_ENDS = tuple(".?!\u2026"), tuple(",;:\u2013\u2014")
_QUOTES = "\"')]\u201d\u2019\u00bb"  # stand after a mark
_SHORT_WORD = 3  # letters
# A subtitle costs 1.
_PLAIN_BREAK, _COMMA_BREAK, _SHORT_WORD_BREAK = 2.0, 0.5, 2.8
_UNEVEN_LINES = 8.0


def filled_lines(
    pieces: Sequence[str], width: int, filled: tuple[int, int] = (1, 0)
) -> tuple[int, int]:
    """The number of lines, and of characters in the last one, if each is filled as far as possible.

    Args:
        filled: The same before the pieces.
    """
    num_lines, used = filled
    for piece in pieces:
        if used and used + 1 + len(piece) > width:
            num_lines, used = num_lines + 1, 0
        used += len(piece) + (1 if used else 0)
    return num_lines, used


def break_cost(text: str, pause: float) -> float:
    """What a break after a text costs: of two words, or of a subtitle's lines."""
    if ends_with(text, SENTENCE_ENDS):
        return 0.0
    if ends_with(text, _PHRASE_ENDS):
        return _COMMA_BREAK
    plain = _SHORT_WORD_BREAK if len(text) <= _SHORT_WORD else _PLAIN_BREAK
    return plain + (_COMMA_BREAK - plain) * min(1.0, max(0.0, pause) / _PAUSE)


def ends_with(text: str, marks: tuple[str, ...]) -> bool:
    """Whether a text ends with one of the marks, perhaps within quotes."""
    return text.rstrip(_QUOTES).endswith(marks)


def pieces_of(text: str, width: int) -> list[str]:
    """The parts of a text that cannot be broken, each of at most that many characters."""
    return [
        part[start : start + width]
        for part in writable(text).split()
        for start in range(0, len(part), width)
    ]


def label_pieces(label: str, width: int) -> list[str]:
    """The parts of a label: as a whole, if there is room for it in a line."""
    whole = label.rstrip()
    return [whole] if 0 < len(whole) <= width else pieces_of(whole, width)


Line = list[tuple[int, str]]  # (index of the word or token, text)


def lines(spoken: Sequence[Spoken], width: int, label: str = "") -> list[Line]:
    """The lines of a subtitle: as few as possible, and of those the best ones.

    >>> words = [Word(text, 0, 1, 1) for text in "well, this is not much".split()]
    >>> [[text for _, text in line] for line in lines(words, 18)]
    [['well,'], ['this', 'is', 'not', 'much']]

    Args:
        spoken: The words, or pieces of readable text.
        width: Characters in a line.
        label: What is written before them, with the index -1.
    """
    pieces = [(-1, piece) for piece in label_pieces(label, width)]
    pieces += [(i, piece) for i, item in enumerate(spoken) for piece in pieces_of(item.text, width)]
    if not pieces:
        return [[(0, "")]]
    total = sum(len(piece) + 1 for _, piece in pieces)
    # best[i]: (lines, cost, end of the first line) for the pieces from i on
    best: list[tuple[int, float, int]] = [(0, 0.0, 0)] * (len(pieces) + 1)
    mean = total / max(1, -(-total // width))
    for start in reversed(range(len(pieces))):
        found, length = [], -1
        for end in range(start + 1, len(pieces) + 1):
            length += 1 + len(pieces[end - 1][1])
            if length > width:
                break
            after, cost, _ = best[end]
            cost += _UNEVEN_LINES * ((length - mean) / width) ** 2
            if end < len(pieces):
                index, following = pieces[end - 1][0], pieces[end][0]
                if following == index or index < 0:
                    cost += break_cost(pieces[end - 1][1].rstrip(":"), 0.0)
                else:
                    pause = spoken[following].start - spoken[index].end
                    cost += break_cost(pieces[end - 1][1], pause)
            found.append((after + 1, cost, end))
        best[start] = min(found)
    start, broken = 0, []
    while start < len(pieces):
        end = best[start][2]
        broken.append(pieces[start:end])
        start = end
    return broken
