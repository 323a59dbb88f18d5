"""What runs the network: audio in, log-probabilities out."""

from copy import copy
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import Bundle
from speechlstm.errors import BundleError
from speechlstm.text.alphabet import Alphabet
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.tensor import TensorSpec


class AcousticModel(Protocol):
    """A network and what its output means."""

    @property
    def sample_rate(self) -> int:
        """Samples a second that log_probs expects."""

    @property
    def frame_seconds(self) -> float:
        """Seconds from one frame of the output to the next."""

    @property
    def alphabet(self) -> Alphabet:
        """What the labels stand for."""

    @property
    def characters(self) -> "AcousticModel":
        """The same network, read by the output whose labels are characters."""

    def log_probs(self, audio: Audio) -> NDArray[np.float32]:
        """Natural log-probabilities (num_frames, alphabet.num_labels) of one utterance."""


class LiteRTAcousticModel:
    """A bundle's model in LiteRT: without TensorFlow, as on a phone.

    It may be shared by threads: one of them runs the network, the others wait. An interpreter for
    each would multiply its memory, and the search through what it gives, in Python, runs in one
    thread at a time in any case; `Recognizer.transcribe_files` uses all cores.

    Args:
        bundle: The model.
        num_threads: Threads in one product of matrices; a second one saves a bidirectional LSTM of
            3 x 256 units no time (measured).
        phones: Whether alphabet and log_probs are those of the model's output for phones.

    Raises:
        BundleError: LiteRT cannot load the model, or it has other inputs or outputs.
    """

    def __init__(self, bundle: Bundle, num_threads: int = 1, phones: bool = False) -> None:
        self._bundle = bundle
        acoustic = bundle.acoustic
        heads = [acoustic.alphabet, *([acoustic.phones] if acoustic.phones else [])]
        if phones and not acoustic.phones:
            raise self._error("the model has no output for phones")
        self._alphabet = heads[phones]
        width = sum(head.num_labels for head in heads)
        start = acoustic.alphabet.num_labels if phones else 0
        self._columns = slice(start, start + self._alphabet.num_labels)
        self._model = TFLiteModel(
            bundle.model_path,
            {"samples": TensorSpec("float32", (1, None))},
            {"output_0": TensorSpec("float32", (1, None, width))},
            num_threads=num_threads,
        )

    @property
    def sample_rate(self) -> int:
        """Samples a second that log_probs expects."""
        return self._bundle.acoustic.features.sample_rate

    @property
    def frame_seconds(self) -> float:
        """Seconds from one frame of the output to the next."""
        return self._bundle.acoustic.frame_seconds

    @property
    def alphabet(self) -> Alphabet:
        """What the labels stand for."""
        return self._alphabet

    @property
    def characters(self) -> "LiteRTAcousticModel":
        """The same network, read by the output whose labels are characters."""
        model = copy(self)  # that shares the network and its lock
        model._alphabet = self._bundle.acoustic.alphabet
        model._columns = slice(0, model._alphabet.num_labels)
        return model

    def log_probs(self, audio: Audio) -> NDArray[np.float32]:
        """Natural log-probabilities (num_frames, alphabet.num_labels) of one utterance.

        Raises: as outputs.
        """
        return self.outputs(audio)[:, self._columns]

    def outputs(self, audio: Audio) -> NDArray[np.float32]:
        """All natural log-probabilities of one utterance.

        Returns:
            (num_frames, width): each row holds a distribution over the characters' labels and,
            where the model has one, another over the phones'.

        Raises:
            BundleError: The model fails, or does not give what its bundle says.
            ValueError: The audio has another sample rate.
        """
        if audio.sample_rate != self.sample_rate:
            raise ValueError(f"audio at {audio.sample_rate} Hz, the model hears {self.sample_rate}")
        num_samples = len(audio.samples)
        log_probs: NDArray[np.float32] = self._model.run(samples=audio.samples[np.newaxis])[
            "output_0"
        ][0]
        acoustic = self._bundle.acoustic
        num_frames = acoustic.network.num_steps(acoustic.features.num_frames(num_samples))
        if len(log_probs) != num_frames:
            raise self._error(
                f"gives {len(log_probs)} frames for {num_samples} samples, not {num_frames}"
            )
        return log_probs

    def _error(self, reason: str) -> BundleError:
        return BundleError(self._bundle.model_path, reason)
