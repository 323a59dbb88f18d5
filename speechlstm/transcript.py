"""What a recogniser returns: words, hypotheses, a transcript."""

from dataclasses import dataclass


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
