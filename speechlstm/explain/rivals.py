"""Where the texts of an n-best list differ, and how probable each way is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from speechlstm.transcript import Hypothesis, Word

_LEAST_SHARE = 0.005  # of a runner-up; rarer ones are left out


@dataclass(frozen=True)
class RunnerUp:
    """What other hypotheses have in the place of a word.

    Attributes:
        text: The words, joined by spaces; "": nothing.
        share: The probability of the hypotheses that have them, 0..1.
    """

    text: str
    share: float


@dataclass(frozen=True)
class Difference:
    """A place where a text differs from the best one.

    Attributes:
        start: The first word of the place in the best text, as an index.
        stop: The index after its last word; start if words are inserted.
        words: The words of the other text in this place.
    """

    start: int
    stop: int
    words: tuple[str, ...]


def differences(words: Sequence[str], other: Sequence[str]) -> Iterator[Difference]:
    """The places where another text differs from the words of the best one.

    >>> list(differences("the see".split(), "the sea side".split()))
    [Difference(start=1, stop=2, words=('sea', 'side'))]
    """
    matcher = SequenceMatcher(None, words, other, autojunk=False)  # common words count, too
    for kind, start, stop, other_start, other_stop in matcher.get_opcodes():
        if kind != "equal":
            yield Difference(start, stop, tuple(other[other_start:other_stop]))


def shares_of_differences(
    n_best: Sequence[Hypothesis], shares: Sequence[float]
) -> dict[Difference, float]:
    """The differences of an n-best list from its best hypothesis, the most probable ones first.

    Args:
        n_best: The hypotheses, the best one first.
        shares: The probability of each.
    """
    found: dict[Difference, float] = {}
    words = n_best[0].text.split()
    for rival, share in zip(n_best[1:], shares[1:], strict=True):
        for difference in differences(words, rival.text.split()):
            found[difference] = found.get(difference, 0.0) + share
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def runners_up(n_best: Sequence[Hypothesis], shares: Sequence[float]) -> list[tuple[RunnerUp, ...]]:
    """For each word of the best hypothesis what others have in its place, the likeliest first.

    Where texts differ by several words, each word of the other text counts for the one that it
    overlaps most in time.

    Args:
        n_best: The hypotheses, the best one first.
        shares: The probability of each.
    """
    best = n_best[0].words
    found: list[dict[str, float]] = [{} for _ in best]
    for rival, share in zip(n_best[1:], shares[1:], strict=True):
        here, there = ([word.text for word in words] for words in (best, rival.words))
        matcher = SequenceMatcher(None, here, there, autojunk=False)
        for kind, start, stop, other_start, other_stop in matcher.get_opcodes():
            if kind != "equal" and start < stop:
                placed = _placed(best[start:stop], rival.words[other_start:other_stop])
                for place, text in enumerate(placed, start):
                    if text != best[place].text:
                        found[place][text] = found[place].get(text, 0.0) + share
    return [
        tuple(
            RunnerUp(text, share)
            for text, share in sorted(words.items(), key=lambda item: -item[1])
            if share >= _LEAST_SHARE
        )
        for words in found
    ]


def _placed(words: Sequence[Word], others: Sequence[Word]) -> list[str]:
    """For each word the text of the others that are nearest to it in time."""
    texts: list[list[str]] = [[] for _ in words]
    for other in others:
        distances = [
            max(word.start, other.start) - min(word.end, other.end)  # negative: they overlap
            for word in words
        ]
        texts[distances.index(min(distances))].append(other.text)
    return [" ".join(text) for text in texts]
