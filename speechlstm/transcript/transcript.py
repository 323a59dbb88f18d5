"""`Transcript`: the result of a recogniser, and the formats that it can be written in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from speechlstm.arguments import check_argument
from speechlstm.transcript.words import AlignedLine, Hypothesis, Token, Word, turns_of

if TYPE_CHECKING:
    from speechlstm.transcript.layout import SubtitleLayout


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
        return " ".join(token.text for turn in turns_of(self.tokens) for token in turn)

    @property
    def has_speakers(self) -> bool:
        """Whether its words have the numbers of their speakers."""
        return any(word.speaker is not None for word in self.words)

    @property
    def turns(self) -> tuple[tuple[Word, ...], ...]:
        """Words of one speaker until another speaks, in the order in which they start.

        If speakers are not told apart: words spoken on one channel without a long pause.
        """
        return turns_of(self.words)

    @property
    def written_turns(self) -> tuple[tuple[Word | Token, ...], ...]:
        """The turns as readable text, if there is any, otherwise as words."""
        return self.turns if self.tokens is None else turns_of(self.tokens)

    @classmethod
    def of_channels(cls, channels: "Sequence[Transcript]") -> "Transcript":
        """Merge the transcripts of a recording's channels, with their words in the order of time.

        The result has one hypothesis. Its text is that of the turns, one after the other.

        Raises:
            ValueError: There is no channel.
            TypeError: A channel is no transcript.
        """
        if not channels:
            raise ValueError("a recording has at least one channel")
        if others := [one for one in channels if not isinstance(one, Transcript)]:
            raise TypeError(f"channels are transcripts, not {type(others[0]).__name__}")
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

        check_argument("recording", recording, str)
        return formats.FORMATS[name](recording, self)

    def _subtitles(self, name: str, layout: "SubtitleLayout | None") -> str:
        from speechlstm.transcript import formats
        from speechlstm.transcript.layout import DEFAULT_LAYOUT, SubtitleLayout

        check_argument("layout", layout, SubtitleLayout | None)
        return formats.SUBTITLES[name]("", self, layout or DEFAULT_LAYOUT)
