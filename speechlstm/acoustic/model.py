"""The acoustic model: from audio to log-probabilities."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic.streaming import NUM_SAMPLES, SAMPLES, StreamingModel, StreamingUtterance
from speechlstm.audio import Audio
from speechlstm.bundle import Bundle
from speechlstm.config import FeatureConfig
from speechlstm.errors import BundleError
from speechlstm.text.alphabet import Alphabet
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.tensor import TensorSpec


class AcousticModel(Protocol):
    """A network that computes log-probabilities, and the meaning of its output."""

    @property
    def sample_rate(self) -> int:
        """The sample rate that log_probs expects, in Hz."""

    @property
    def frame_seconds(self) -> float:
        """Seconds from one output frame to the next."""

    @property
    def alphabet(self) -> Alphabet:
        """The symbols of the labels."""

    @property
    def characters(self) -> "AcousticModel":
        """The same network with its output for characters, which any text can be spelled with."""

    def log_probs(self, audio: Audio) -> NDArray[np.float32]:
        """Natural log-probabilities (num_frames, alphabet.num_labels) of one utterance."""

    @property
    def streaming(self) -> StreamingModel | None:
        """The network in a form that processes an utterance block by block; None: there is none."""

    def streaming_utterance(self) -> StreamingUtterance:
        """An utterance that comes block by block; only if there is a `streaming` form."""


class LiteRTAcousticModel:
    """The acoustic model of a bundle, run by LiteRT: without TensorFlow, as on a phone.

    Threads may share one. They take turns in running the network, because an interpreter for each
    thread would multiply the memory, and because the search after it, in Python, runs in one thread
    at a time anyway. `Recognizer.transcribe_files` uses several cores.

    >>> from speechlstm.bundle import default_bundle, read_bundle
    >>> model = LiteRTAcousticModel(read_bundle(default_bundle()))
    >>> model.log_probs(Audio(np.zeros(16000, np.float32), 16000)).shape
    (34, 29)

    Args:
        phones: Whether alphabet and log_probs are those of the model's output for phones.
        inner: As in `TFLiteModel`: what `inner_values` returns.

    Raises:
        BundleError: LiteRT cannot load the model, or the model has other inputs or outputs.
    """

    def __init__(
        self, bundle: Bundle, phones: bool = False, inner: Mapping[str, int] | None = None
    ) -> None:
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
            {SAMPLES: TensorSpec("float32", (1, None))},
            {"output_0": TensorSpec("float32", (1, None, width))},
            optional_inputs={NUM_SAMPLES: TensorSpec("int32", (1,))},
            use_xnnpack=False if inner else None,  # twice as fast where there is no fused operator
            inner=inner,
        )

    @property
    def sample_rate(self) -> int:
        """The sample rate that log_probs expects, in Hz."""
        return self._bundle.acoustic.features.sample_rate

    @property
    def frame_seconds(self) -> float:
        """Seconds from one output frame to the next."""
        return self._bundle.acoustic.frame_seconds

    @property
    def alphabet(self) -> Alphabet:
        """The symbols of the labels."""
        return self._alphabet

    @property
    def characters(self) -> "LiteRTAcousticModel":
        """The same network with its output for characters, which any text can be spelled with."""
        model = copy(self)  # shares the network and its lock
        model._alphabet = self._bundle.acoustic.alphabet
        model._columns = slice(0, model._alphabet.num_labels)
        return model

    def log_probs(self, audio: Audio) -> NDArray[np.float32]:
        """Natural log-probabilities (num_frames, alphabet.num_labels) of one utterance.

        An offset is removed, and quiet audio is made louder: see levelled.

        Raises:
            BundleError, ValueError: As in outputs.
        """
        given = levelled(audio, self._bundle.acoustic.features)
        return self.outputs(given)[:, self._columns]

    @cached_property
    def streaming(self) -> StreamingModel | None:
        """The network in a form that processes an utterance block by block; None: there is none.

        Raises:
            BundleError: As in StreamingModel.
        """
        path = self._bundle.streaming_path
        return StreamingModel(path, self._bundle.acoustic) if path else None

    def streaming_utterance(self) -> StreamingUtterance:
        """An utterance that comes block by block, whose log-probabilities are those of log_probs.

        Raises:
            BundleError: As in StreamingModel.
            ValueError: There is no streaming form.
        """
        if not self.streaming:
            raise ValueError("the network needs whole utterances")
        return StreamingUtterance(self.streaming, self._columns)

    def outputs(self, audio: Audio) -> NDArray[np.float32]:
        """The natural log-probabilities of all outputs of the network for one utterance.

        Returns:
            (num_frames, width): each row is a distribution over the labels of the characters,
            followed, if the model has one, by a distribution over the labels of the phones.

        Raises:
            BundleError: The model fails, or its output has another size than the bundle says.
            ValueError: The audio has another sample rate.
        """
        return self.inner_values(audio)["output_0"]

    def inner_values(self, audio: Audio) -> dict[str, NDArray[np.float32]]:
        """The result of `outputs`, named output_0, and the inner tensors for one utterance.

        Returns:
            By name, (num_frames, width) each.

        Raises:
            BundleError, ValueError: As in outputs.
        """
        check_rate(audio, self.sample_rate)
        num_samples = len(audio.samples)
        acoustic = self._bundle.acoustic
        num_frames = acoustic.network.num_steps(acoustic.features.num_frames(num_samples))
        values = self._model.run(**network_inputs(self._model, audio, self._error))
        found = {name: value[0] for name, value in values.items()}
        if NUM_SAMPLES in self._model.inputs:  # the others are those of the padding
            found = {name: values[:num_frames] for name, values in found.items()}
        for values in found.values():
            if len(values) != num_frames:
                raise self._error(
                    f"computes {len(values)} frames for {num_samples} samples, not {num_frames}"
                )
        return found

    def _error(self, reason: str) -> BundleError:
        return BundleError(self._bundle.model_path, reason)


def check_rate(audio: Audio, sample_rate: int) -> None:
    """Refuse, by ValueError, a waveform of another sample rate than a network takes."""
    if audio.sample_rate != sample_rate:
        raise ValueError(
            f"the model needs audio at {sample_rate} Hz, not {audio.sample_rate} Hz; "
            "Audio.resampled converts it"
        )


def levelled(audio: Audio, features: FeatureConfig) -> Audio:
    """A waveform as `Audio.levelled` gives it, if features are normalised over an utterance.

    Cheap sound cards add a constant to what they record, which then is most of what the lowest mel
    filters let pass. Other networks take an utterance block by block, or as it is.
    """
    return audio.levelled() if features.normalize in ("mean", "mean_variance") else audio


def network_inputs(
    network: TFLiteModel, audio: Audio, error: Callable[[str], BundleError]
) -> dict[str, NDArray[Any]]:
    """The inputs of a network that takes a waveform: padded, if they have a fixed length.

    Args:
        error: Makes the error to raise from a reason.

    Raises:
        BundleError: Made by `error`: the waveform is too long for the network.
    """
    if NUM_SAMPLES not in network.inputs:
        return {SAMPLES: audio.samples[np.newaxis]}
    num_samples = len(audio.samples)
    size = network.inputs[SAMPLES].shape[1] or num_samples
    if num_samples > size:
        raise error(
            f"takes {size / audio.sample_rate:g} s of audio at most, not {audio.duration:.1f} s; "
            "export it again without --seconds"
        )
    padded = np.pad(audio.samples, (0, size - num_samples))
    return {SAMPLES: padded[np.newaxis], NUM_SAMPLES: np.array([num_samples], np.int32)}
