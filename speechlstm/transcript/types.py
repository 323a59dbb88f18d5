"""The types of a recogniser's results: `Word`, `Hypothesis` and `Transcript`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from speechlstm.transcript.layout import SubtitleLayout

_LEAST = 1e-6  # a confidence, whose logarithm is finite
_TURN_PAUSE = 1.0  # seconds; after a longer pause, a new turn begins


@dataclass(frozen=True)
class Word:
    """A recognised word.

    >>> Word("good", start=0.5, end=0.8, confidence=0.9).text
    'good'

    Attributes:
        text: The word.
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording; greater than start.
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
        words: Its words; none if there are only marks, and the times are those of the gap.
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
        words: The words with their times.
        log_prob: Natural log of the acoustic probability.
        lm_log_prob: Natural log of the probability in the language model; 0 if there is none.
        score: Ranks hypotheses: log_prob and the terms that `DecodeConfig` adds to it.
    """

    text: str
    words: tuple[Word, ...]
    log_prob: float
    lm_log_prob: float = 0.0
    score: float = 0.0


@dataclass(frozen=True)
class Transcript:
    """The hypotheses for a recording, the best one first.

    >>> words = (Word("good", 0.5, 0.8, 0.9), Word("day", 0.9, 1.2, 0.8))
    >>> transcript = Transcript((Hypothesis("good day", words, log_prob=-1.5),), duration=1.5)
    >>> transcript.text
    'good day'
    >>> print(transcript.to_srt())
    1
    00:00:00,500 --> 00:00:01,300
    good day

    Attributes:
        hypotheses: At least one; silence is a hypothesis without words.
        duration: Length of the recording in seconds.
        is_calibrated: Whether the words' confidences are probabilities: of all words of confidence
            0.8, about 80 % are correct. If not, they can only rank words.
        lost: (start, end) in seconds of each part that is missing from a damaged recording.
        channels: The transcript of each channel, if they were transcribed separately.
        tokens: The words of the best hypothesis as readable text, each in exactly one token; None:
            no readable text was made.
        lines: The lines of the text, if one was aligned.
    """

    hypotheses: tuple[Hypothesis, ...]
    duration: float
    is_calibrated: bool = False
    lost: tuple[tuple[float, float], ...] = ()
    channels: "tuple[Transcript, ...]" = ()
    tokens: tuple[Token, ...] | None = None
    lines: tuple[AlignedLine, ...] = ()

    def __post_init__(self) -> None:
        if not self.hypotheses:
            raise ValueError("a transcript needs at least one hypothesis")

    @property
    def text(self) -> str:
        """The text of the best hypothesis."""
        return self.hypotheses[0].text

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of the best hypothesis."""
        return self.hypotheses[0].words

    @property
    def readable(self) -> str:
        """The best hypothesis with capitals, punctuation and figures, if that was asked for.

        Otherwise the same as text: see `Recognizer.load`.
        """
        if self.tokens is None:
            return self.text
        return " ".join(token.text for turn in _turns(self.tokens) for token in turn)

    @property
    def has_speakers(self) -> bool:
        """Whether its words have the numbers of their speakers."""
        return any(word.speaker is not None for word in self.words)

    @property
    def turns(self) -> tuple[tuple[Word, ...], ...]:
        """Words of one speaker until another speaks, in the order in which they start.

        If speakers are not told apart: words spoken on one channel without a long pause.
        """
        return _turns(self.words)

    @property
    def written_turns(self) -> tuple[tuple[Word | Token, ...], ...]:
        """The turns as readable text, if there is any, otherwise as words."""
        return self.turns if self.tokens is None else _turns(self.tokens)

    @classmethod
    def of_channels(cls, channels: "Sequence[Transcript]") -> "Transcript":
        """Merge the transcripts of a recording's channels, with their words in the order of time.

        The result has one hypothesis. Its text is that of the turns, one after the other.
        """
        words = [
            replace(word, channel=number)
            for number, transcript in enumerate(channels, start=1)
            for word in transcript.words
        ]
        merged = Hypothesis(
            "",
            tuple(sorted(words, key=lambda word: word.start)),
            sum(transcript.hypotheses[0].log_prob for transcript in channels),
            sum(transcript.hypotheses[0].lm_log_prob for transcript in channels),
            sum(transcript.hypotheses[0].score for transcript in channels),
        )
        duration = max(transcript.duration for transcript in channels)
        is_calibrated = all(transcript.is_calibrated for transcript in channels)
        tokens = [
            Token(token.text, tuple(replace(word, channel=number) for word in token.words))
            for number, transcript in enumerate(channels, start=1)
            for token in transcript.tokens or ()
        ]
        whole = cls(
            (merged,),
            duration,
            is_calibrated,
            channels[0].lost,
            tuple(channels),
            None
            if any(transcript.tokens is None for transcript in channels)
            else tuple(sorted(tokens, key=lambda token: token.start)),
        )
        text = " ".join(word.text for turn in whole.turns for word in turn)
        return replace(whole, hypotheses=(replace(merged, text=text),))

    # The formats are imported in the methods, so that `transcript.text` does not wait for them.

    def to_text(self) -> str:
        """The text of the best hypothesis in one line, with control characters escaped.

        If the channels were transcribed separately, or speakers were told apart: one line for each
        turn, after the number of its channel or speaker.
        """
        return self._written("text")

    def to_timed_text(self) -> str:
        """The text in lines of a few words, each with its times, without a final line feed.

        >>> words = (Word("good", 0.5, 0.8, 0.9), Word("day", 0.9, 1.2, 0.8))
        >>> Transcript((Hypothesis("good day", words, log_prob=-1.5),), 1.5).to_timed_text()
        '[00:00:00.500 --> 00:00:01.200] good day'
        """
        from speechlstm.transcript import formats

        return formats.to_timed_text("", self)

    def to_dict(self) -> dict[str, Any]:
        """The transcript as plain JSON values: see `speechlstm.transcript.formats.to_dict`.

        Times are in seconds, confidences in 0..1, log_probs natural logarithms.
        """
        from speechlstm.transcript import formats

        return formats.to_dict(self)

    def to_json(self) -> str:
        """The values of to_dict as one line of JSON."""
        from speechlstm.transcript import formats

        return formats.json_line(formats.to_dict(self))

    def to_srt(self, layout: "SubtitleLayout | None" = None) -> str:
        """Subtitles in SubRip's format (.srt), without a final line feed; see `SubtitleLayout`."""
        return self._subtitles("srt", layout)

    def to_vtt(self, layout: "SubtitleLayout | None" = None) -> str:
        """Subtitles in WebVTT (.vtt), without a final line feed; see `SubtitleLayout`."""
        return self._subtitles("vtt", layout)

    def to_ctm(self, recording: str) -> str:
        """The words in NIST's CTM format, one line for each, without a final line feed.

        Args:
            recording: The name of the recording, the first field of each line. Spaces become
                underscores.
        """
        return self._written("ctm", recording)

    def to_rttm(self, recording: str) -> str:
        """Who speaks when, as NIST's RTTM, one line for each turn, without a final line feed.

        Args:
            recording: As in to_ctm.
        """
        return self._written("rttm", recording)

    def to_textgrid(self) -> str:
        """The words as a TextGrid of Praat, without a final line feed."""
        return self._written("textgrid")

    def _written(self, name: str, recording: str = "") -> str:
        from speechlstm.transcript import formats

        return formats.FORMATS[name](recording, self)

    def _subtitles(self, name: str, layout: "SubtitleLayout | None") -> str:
        from speechlstm.transcript import formats
        from speechlstm.transcript.layout import DEFAULT_LAYOUT

        return formats.SUBTITLES[name]("", self, layout or DEFAULT_LAYOUT)


_Spoken = TypeVar("_Spoken", Word, Token)


def _turns(spoken: Iterable[_Spoken]) -> tuple[tuple[_Spoken, ...], ...]:
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
