"""The words of a transcript, what they form in a text, and the turns of speakers."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log
from typing import TypeVar

_LEAST = 1e-6  # a confidence, whose logarithm is finite
_TURN_PAUSE = 1.0  # seconds; after a longer pause, a new turn begins


@dataclass(frozen=True)
class Word:
    """A recognised word.

    >>> Word("good", start=0.5, end=0.8, confidence=0.9).text
    'good'

    Attributes:
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording; greater than start, or equal to it if an
            aligned text has the word and the recording does not.
        confidence: 0..1. Calibrated, it is the probability that the word is correct; otherwise, it
            is the geometric mean posterior of the frames that emitted the word.
        channel: The number of the channel, from 1, if the channels were transcribed separately.
        speaker: The number of the speaker, from 1 in the order in which they first speak, if
            speakers were told apart.
    """

    text: str
    start: float
    end: float
    confidence: float
    channel: int | None = None
    speaker: int | None = None

    @property
    def is_spoken(self) -> bool:
        """False for a word of an aligned text that the recording lacks."""
        return self.end > self.start


@dataclass(frozen=True)
class Token:
    """A piece of readable text: a word with its case and punctuation, or several words in figures.

    Attributes:
        text: What is written, such as "Tom," or "July 4, 1776.".
        words: The words that it stands for, at least one.
    """

    text: str
    words: tuple[Word, ...]

    @property
    def start(self) -> float:
        """Seconds from the start of the recording."""
        return self.words[0].start

    @property
    def end(self) -> float:
        """Seconds from the start of the recording."""
        return self.words[-1].end

    @property
    def channel(self) -> int | None:
        """The number of the channel of its words; None: not known."""
        return self.words[0].channel

    @property
    def speaker(self) -> int | None:
        """The number of the speaker of its words; None: not known."""
        return self.words[0].speaker


@dataclass(frozen=True)
class AlignedLine:
    """A line of a text that was aligned with a recording.

    Attributes:
        text: What is written; of a subtitle, one or several lines.
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording.
        words: Its words; none if there are only marks. If none is spoken, the times are those of
            the gap between the words that are spoken before and after it.
        number: Its number in the text, from 1.
    """

    text: str
    start: float
    end: float
    words: tuple[Word, ...]
    number: int

    @property
    def confidence(self) -> float:
        """The geometric mean of its words' confidences, 0..1; 1 if it has no words."""
        logs = [log(max(word.confidence, _LEAST)) for word in self.words]
        return exp(sum(logs) / len(logs)) if logs else 1.0


@dataclass(frozen=True)
class Hypothesis:
    """One possible text of an utterance, as found by the decoder.

    Attributes:
        text: The words, joined by spaces.
        log_prob: Natural log of the acoustic probability.
        lm_log_prob: Natural log of the probability in the language model; 0 if there is none.
        score: Ranks hypotheses: log_prob and the terms that `DecodeConfig` adds to it.
    """

    text: str
    words: tuple[Word, ...]
    log_prob: float
    lm_log_prob: float = 0.0
    score: float = 0.0


_Spoken = TypeVar("_Spoken", Word, Token)


def turns_of(spoken: Iterable[_Spoken]) -> tuple[tuple[_Spoken, ...], ...]:
    """Consecutive words of one speaker, or of one channel without a long pause.

    They are in the order in which they start.
    """
    turns: list[list[_Spoken]] = []
    current: dict[int | None, list[_Spoken]] = {}
    for item in spoken:
        turn = current.get(item.channel)
        if turn is None or _ends(turn[-1], item):
            turn = current[item.channel] = []
            turns.append(turn)
        turn.append(item)
    return tuple(map(tuple, turns))


def _ends(last: Word | Token, following: Word | Token) -> bool:
    """Whether a turn ends between two words or tokens of one channel."""
    if following.speaker is not None or last.speaker is not None:
        return following.speaker != last.speaker
    return following.start - last.end > _TURN_PAUSE
