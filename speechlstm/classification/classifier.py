"""`Classifier`: gives recordings one of several classes, and an embedding."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import levelled
from speechlstm.arguments import StrPath
from speechlstm.audio import Audio, Piece, read_segments, repeatable, split
from speechlstm.bundle import ClassifierSpec, find_bundle, read_classifier
from speechlstm.classification.model import LiteRTClassifier
from speechlstm.config import LabelField
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DamagedAudioError
from speechlstm.text.normalize import normalize

MAX_SECONDS = 20.0  # longer recordings are cut at pauses; the segments' outputs are averaged


@dataclass(frozen=True)
class Classification:
    """The class of a recording.

    Attributes:
        probabilities: The probability of each class, 0..1, the highest first; their sum is 1. They
            are those of the network's softmax, which is often too certain.
        duration: The length of the recording, in seconds.
    """

    probabilities: dict[str, float]
    duration: float

    @property
    def label(self) -> str:
        """The most probable class."""
        return next(iter(self.probabilities))

    @property
    def probability(self) -> float:
        """The probability of the most probable class."""
        return self.probabilities[self.label]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """The class, its probability, and those of the `top` most probable classes (None: all)."""
        shown = {name: round(p, 4) for name, p in list(self.probabilities.items())[:top]}
        return {
            "label": self.label,
            "probability": round(self.probability, 4),
            "probabilities": shown,
            "duration": round(self.duration, 3),
        }


class Classifier:
    """Gives recordings one of several classes. Threads may share one.

    A recording of more than MAX_SECONDS is cut at pauses; its probabilities and its embedding are
    the means of those of the segments, weighted by their lengths.

        classifier = Classifier.load("commands")
        print(classifier.classify_file("yes.wav").label)

    Args:
        model: Computes log-probabilities and embedding of an utterance.
        spec: The classes and what is known about the network.
    """

    def __init__(self, model: LiteRTClassifier, spec: ClassifierSpec) -> None:
        self.model, self.spec = model, spec

    @classmethod
    def load(cls, bundle: StrPath) -> "Classifier":
        """Load a classifier from a bundle.

        Args:
            bundle: The folder of a bundle, or a .tflite file.

        Raises:
            BundleError: The bundle is missing, damaged, of another format version or a recogniser.
        """
        found = read_classifier(find_bundle(bundle))
        return cls(LiteRTClassifier(found), found.spec)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.spec.classes

    def classify(self, audio: Audio) -> Classification:
        """The probabilities of the classes of a waveform, of any sample rate and length.

        Raises:
            BundleError: The network cannot be run.
            ValueError: The audio is too short, or its samples are not finite.
        """
        return self._classification(split(audio.resampled(self.model.sample_rate), MAX_SECONDS))

    def classify_file(self, path: StrPath | Piece, channel: int | None = None) -> Classification:
        """The probabilities of the classes of a recording.

        Args:
            channel: The channel to use, counted from 1; None: the mean of all.

        Raises:
            DataError: The recording cannot be used. A DamagedAudioError has the result for what
                remains of it.
            BundleError: The network cannot be run.
        """
        return self._classification(self._segments(path, channel))

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """The embedding of a waveform: similar voices, or sounds, have a high cosine.

        Returns:
            (embedding_size,): mean and standard deviation over time of the last layer's outputs.

        Raises:
            BundleError: The network cannot be run.
            ValueError: The audio is too short, or its samples are not finite.
        """
        return self._embedding(split(audio.resampled(self.model.sample_rate), MAX_SECONDS))

    def embed_file(self, path: StrPath | Piece, channel: int | None = None) -> NDArray[np.float32]:
        """The embedding of a recording; arguments and errors are those of classify_file."""
        return self._embedding(self._segments(path, channel))

    def _segments(
        self, path: StrPath | Piece, channel: int | None
    ) -> Iterator[tuple[float, Audio]]:
        return read_segments(repeatable(path), self.model.sample_rate, MAX_SECONDS, channel=channel)

    def _classification(self, segments: Iterable[tuple[float, Audio]]) -> Classification:
        probs, _, duration, damage = self._mean(segments)
        order = np.argsort(-probs, kind="stable")
        probabilities = {self.classes[index]: float(probs[index]) for index in order}
        result = Classification(probabilities, duration)
        if damage:
            raise damage.with_partial(result)
        return result

    def _embedding(self, segments: Iterable[tuple[float, Audio]]) -> NDArray[np.float32]:
        _, embedding, _, damage = self._mean(segments)
        if damage:
            raise damage.with_partial(embedding)
        return embedding

    def _mean(
        self, segments: Iterable[tuple[float, Audio]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], float, DamagedAudioError | None]:
        """Probabilities (num_classes,), embedding, duration, and what is wrong with a recording."""
        outputs, durations, damage = [], [], None
        try:
            for _, audio in segments:
                given = levelled(audio, self.spec.features)
                log_probs, embedding = self.model.outputs(given)
                outputs.append((np.exp(log_probs), embedding))
                durations.append(audio.duration)
        except DamagedAudioError as error:  # comes after all segments
            damage = error
        probs, embeddings = (
            np.average(values, axis=0, weights=durations) for values in zip(*outputs, strict=True)
        )
        return probs, embeddings, sum(durations), damage


def label_of(utterance: Utterance, field: LabelField) -> str | None:
    """The class of an utterance; None: it has none. Texts are normalised, as in training.

    >>> label_of(Utterance("a1", "a1.wav", 1.5, "Yes!", "anna"), "text")
    'yes'
    >>> label_of(Utterance("a1", "a1.wav", 1.5, "Yes!", "anna"), "speaker")
    'anna'
    """
    value: str | None = getattr(utterance, field)
    label = normalize(value or "") if field == "text" else value
    return label if label and not label.isspace() else None
