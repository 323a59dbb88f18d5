"""What is known about a recognised utterance: the results that text, picture and page show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec
from speechlstm.config import DecodeConfig
from speechlstm.decoding.timed_words import Emission
from speechlstm.explain.cells import DirectionActivity
from speechlstm.explain.rivals import RunnerUp
from speechlstm.explain.scoring import Judgement
from speechlstm.text.alphabet import Alphabet
from speechlstm.transcript import Word

RANGE_DB = 80.0  # of the spectrogram


@dataclass(frozen=True)
class Head:
    """One output of the network.

    Attributes:
        name: "characters" or "phones".
        alphabet: The symbols of labels 1 and up; 0 is the blank.
        log_probs: (num_steps, num_labels), natural logarithms.
        path: The labels of the recognised text and the steps that emit them, on the best path; ():
            the text has none or too many.
        reference_path: The same for the reference.
        is_decoded: Whether the decoder reads this output.
    """

    name: str
    alphabet: Alphabet
    log_probs: NDArray[np.float32]
    path: tuple[Emission, ...] = ()
    reference_path: tuple[Emission, ...] = ()
    is_decoded: bool = False

    def symbol(self, label: int) -> str:
        """What a label is shown as: the blank as a middle dot, the space as an open box."""
        if label == 0:
            return "·"
        symbol = self.alphabet.symbols[label - 1]
        return "␣" if symbol == " " else symbol


@dataclass(frozen=True)
class ExplainedWord:
    """A recognised word, and what competed with it.

    Attributes:
        runners_up: What others of the n-best list have in its place, the likeliest first.
        is_kept: Whether `transcribe` keeps it: there can be speech, of a plausible length.
    """

    word: Word
    runners_up: tuple[RunnerUp, ...]
    is_kept: bool


@dataclass(frozen=True)
class Comparison:
    """The recognised text beside one that differs in a single place.

    Attributes:
        start: Seconds from the start of the recording.
        end: Seconds from the start of the recording.
        place: The range of words of the recognised text that differ.
        words: The recognised words; (): words are missing there.
        others: The words of the other text; (): nothing.
        share: The probability, 0..1, of those texts of the n-best list that have them.
        is_reference: Whether they are those of the reference.
        recognized: What the models say of the recognised text.
        other: What they say of the other text.
        emitted: The most probable labels between the words around the place, for each head.
        unknown: Words of the other text that the decoder cannot find.
    """

    start: float
    end: float
    place: tuple[int, int]
    words: tuple[str, ...]
    others: tuple[str, ...]
    share: float
    is_reference: bool
    recognized: Judgement
    other: Judgement
    emitted: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    @property
    def sounds_alike(self) -> bool:
        """Whether the acoustic model is asked for the same labels."""
        return self.recognized.labels is not None and self.recognized.labels == self.other.labels


@dataclass(frozen=True)
class Saliency:
    """What a recognised word depends on.

    Attributes:
        gradient: (num_frames, num_mels), by how much the log-probability of its labels rises with
            each dB in a mel filter.
    """

    word: Word
    gradient: NDArray[np.float32]

    @property
    def scaled(self) -> NDArray[np.float32]:
        """The gradient in -1..1, relative to its size that one value in 200 exceeds."""
        size = max(float(np.quantile(np.abs(self.gradient), 0.995)), 1e-12)
        return np.asarray(np.clip(self.gradient / size, -1, 1))


@dataclass(frozen=True)
class Explanation:
    """How an utterance was recognised. Times are seconds from the start of the recording.

    Attributes:
        audio: The utterance, at the sample rate of the network.
        start: Where it starts in the recording.
        lms: The language models: "n-gram", "LSTM".
        spectrogram: (num_frames, num_bins) in dB below the largest value, at least -RANGE_DB, of
            bins that are evenly spaced up to half the sample rate.
        features: (num_frames, num_features), what the recurrent layers read; None: not known.
        is_calibrated: Whether confidences are probabilities, as those of tuned bundles are.
        comparisons: The places where the text was in doubt or, with a reference, where it differs
            from that.
        reference: The words of the reference; None: there is none.
        whole: The recognised text beside the reference as a whole; None: no reference.
        layers: For each recurrent layer its directions, the forward one first; (): not known.
        difference: See `NetworkActivity`.
        reason: Why features or layers are missing.
        segments: What was recognised apart, each with its first step.
        saliency: What some words depend on.
    """

    name: str
    audio: Audio
    start: float
    spec: AcousticSpec
    config: DecodeConfig
    lms: tuple[str, ...]
    heads: tuple[Head, ...]
    spectrogram: NDArray[np.float32]
    features: NDArray[np.float32] | None
    words: tuple[ExplainedWord, ...]
    is_calibrated: bool
    comparisons: tuple[Comparison, ...]
    reference: tuple[str, ...] | None
    whole: Comparison | None
    layers: tuple[tuple[DirectionActivity, ...], ...]
    difference: float
    reason: str
    segments: tuple[tuple[int, Audio], ...]
    saliency: tuple[Saliency, ...] = ()

    def emissions(self, word: Word) -> tuple[Emission, ...]:
        """The labels that a recognised word was emitted by, of the output that is decoded."""
        head = next(head for head in self.heads if head.is_decoded)
        return tuple(
            emission
            for emission in head.path
            if word.start <= self.start + (emission.start + 0.5) * self.frame_seconds < word.end
        )

    @property
    def end(self) -> float:
        """Where the utterance ends in the recording."""
        return self.start + self.audio.duration

    @property
    def text(self) -> str:
        """The recognised text."""
        return " ".join(explained.word.text for explained in self.words)

    @property
    def frame_seconds(self) -> float:
        """Seconds from one step of the network to the next."""
        return self.spec.frame_seconds


def typical_units(direction: DirectionActivity, num_units: int) -> list[int]:
    """Units of a direction, from the one that forgets first to the one that forgets last.

    They are evenly spaced in the order of their half-lives or, without a gate that keeps the
    memory, in that of the standard deviation of their outputs.

    Args:
        num_units: How many; at most all.
    """
    half_lives = direction.half_lives
    rank = direction.outputs.std(axis=0) if half_lives is None else half_lives
    places = np.linspace(0, len(rank) - 1, min(num_units, len(rank))).round().astype(int)
    return [int(unit) for unit in np.argsort(rank, kind="stable")[places]]
