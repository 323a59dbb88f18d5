"""Words, hypotheses, a transcript."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

_TURN_PAUSE = 1.0  # seconds after which a speaker is taken to have finished


@dataclass(frozen=True)
class Word:
    """A recognised word.

    Attributes:
        text: The word.
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording, after start.
        confidence: 0..1, the geometric mean posterior of the frames that emitted the word, or,
            once it is calibrated, the share of words of that value that are right.
        channel: Of a recording whose channels are transcribed apart, counted from 1.
    """

    text: str
    start: float
    end: float
    confidence: float
    channel: int | None = None


@dataclass(frozen=True)
class Hypothesis:
    """One reading of an utterance.

    Attributes:
        text: Its words, joined by spaces.
        words: The words with their times.
        log_prob: Natural log of the acoustic probability.
        lm_log_prob: Natural log of the language model's probability; 0 where none was used.
        score: By which hypotheses are ranked; log_prob and what `DecodeConfig` adds to it.
    """

    text: str
    words: tuple[Word, ...]
    log_prob: float
    lm_log_prob: float = 0.0
    score: float = 0.0


@dataclass(frozen=True)
class Transcript:
    """The readings of a recording, the best first.

    >>> words = (Word("good", 0.5, 0.8, 0.9), Word("day", 0.9, 1.2, 0.8))
    >>> transcript = Transcript((Hypothesis("good day", words, log_prob=-1.5),), duration=1.5)
    >>> transcript.text
    'good day'
    >>> print(transcript.to_srt())
    1
    00:00:00,500 --> 00:00:01,200
    good day

    Attributes:
        hypotheses: Never empty; silence is a hypothesis without words.
        duration: Length of the recording in seconds.
        is_calibrated: Whether the words' confidences are calibrated: of all words of confidence
            0.8, about 80 % are right. If not, they are raw scores, which only rank words.
        lost: (start, end) in seconds of what a damaged recording lacks.
        channels: The transcript of each channel, where they are transcribed apart.
    """

    hypotheses: tuple[Hypothesis, ...]
    duration: float
    is_calibrated: bool = False
    lost: tuple[tuple[float, float], ...] = ()
    channels: "tuple[Transcript, ...]" = ()

    def __post_init__(self) -> None:
        if not self.hypotheses:
            raise ValueError("a transcript needs at least one hypothesis")

    @property
    def text(self) -> str:
        """The best hypothesis as text."""
        return self.hypotheses[0].text

    @property
    def words(self) -> tuple[Word, ...]:
        """The best hypothesis as words."""
        return self.hypotheses[0].words

    @property
    def turns(self) -> tuple[tuple[Word, ...], ...]:
        """Words said on one channel without a long pause, in the order in which they begin."""
        turns: list[list[Word]] = []
        current: dict[int | None, list[Word]] = {}
        for word in self.words:
            turn = current.get(word.channel)
            if turn is None or word.start - turn[-1].end > _TURN_PAUSE:
                turn = current[word.channel] = []
                turns.append(turn)
            turn.append(word)
        return tuple(map(tuple, turns))

    @classmethod
    def of_channels(cls, channels: "Sequence[Transcript]") -> "Transcript":
        """One transcript of the channels of a recording, with their words in the order of time.

        It has one hypothesis: its text is that of the turns, one after the other.
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
        whole = cls((merged,), duration, is_calibrated, channels[0].lost, tuple(channels))
        text = " ".join(word.text for turn in whole.turns for word in turn)
        return replace(whole, hypotheses=(replace(merged, text=text),))

    # The formats are imported where they are used: who wants the text need not wait for them.

    def to_text(self) -> str:
        """The words of the best hypothesis, in one line; control characters are escaped."""
        from speechlstm.transcript import formats

        return formats.to_text("", self)

    def to_dict(self) -> dict[str, Any]:
        """Text, duration, words, log_probs, calibrated and alternatives as plain JSON values.

        Times are in seconds, confidences 0..1, log_probs natural logarithms.
        """
        from speechlstm.transcript import formats

        return formats.to_dict(self)

    def to_json(self) -> str:
        """What to_dict holds, as one line of JSON."""
        from speechlstm.transcript import formats

        return formats.json_line(formats.to_dict(self))

    def to_srt(self) -> str:
        """SubRip's subtitles, without the last line feed."""
        from speechlstm.transcript import formats

        return formats.to_srt("", self)

    def to_vtt(self) -> str:
        """Subtitles as WebVTT, without the last line feed."""
        from speechlstm.transcript import formats

        return formats.to_vtt("", self)

    def to_ctm(self, recording: str) -> str:
        """NIST's time-marked words, a line a word, without the last line feed.

        Args:
            recording: Its name, the first field of each line; blanks in it become underscores.
        """
        from speechlstm.transcript import formats

        return formats.to_ctm(recording, self)

    def to_textgrid(self) -> str:
        """Praat's TextGrid, without the last line feed."""
        from speechlstm.transcript import formats

        return formats.to_textgrid("", self)
