"""Words, hypotheses, a transcript."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Word:
    """A recognised word.

    Attributes:
        text: The word.
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording, after start.
        confidence: 0..1, the geometric mean posterior of the frames that emitted the word, or,
            once it is calibrated, the share of words of that value that are right.
    """

    text: str
    start: float
    end: float
    confidence: float


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
    """

    hypotheses: tuple[Hypothesis, ...]
    duration: float
    is_calibrated: bool = False

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
