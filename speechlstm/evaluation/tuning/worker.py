"""What a tuning process does: runs the network, decodes with one setting after another."""

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import read_audio
from speechlstm.bundle import Bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.decoding.nbest import NBestDecoder
from speechlstm.decoding.prior import Prior
from speechlstm.errors import DataError


@dataclass(frozen=True)
class DecoderSettings:
    """The settings of a decoder in a trial.

    Attributes:
        config: Those of the search.
        neural_lm: Those of the LSTM language model; weight 0: without it.
        prior: The labels' prior.
    """

    config: DecodeConfig
    neural_lm: NeuralLMConfig
    prior: Prior | None


@dataclass(frozen=True)
class Output:
    """The network's output for an utterance.

    Attributes:
        log_probs: (num_frames, num_labels), natural logarithms.
        duration: Duration of the recording in seconds.
    """

    log_probs: NDArray[np.float32]
    duration: float


@dataclass(frozen=True)
class Decoding:
    """The task of decoding an utterance.

    Attributes:
        log_probs: (num_frames, num_labels), natural logarithms.
        num_hypotheses: The largest number of hypotheses to return.
    """

    settings: DecoderSettings
    log_probs: NDArray[np.float32]
    num_hypotheses: int


@dataclass(frozen=True)
class Decoded:
    """The result of decoding an utterance.

    Attributes:
        hypotheses: The best one first, at least one.
        seconds: Wall-clock time of the search.
    """

    hypotheses: tuple[BeamHypothesis, ...]
    seconds: float


class TuningWorker:
    """Runs the network and decodes. It keeps the files that it has read and the latest decoder.

    Args:
        bundle: The network and the decoder's files.

    Attributes:
        reads_phones: Whether the search reads phones.

    Raises:
        ModelError: A file of the decoder cannot be read or does not fit.
    """

    def __init__(self, bundle: Bundle) -> None:
        acoustic = bundle.acoustic
        self._bundle, self._frame_seconds = bundle, acoustic.frame_seconds
        self._assembly = DecoderAssembly(bundle.decoder, acoustic.alphabet, acoustic.phones)
        self._settings: DecoderSettings | None = None
        self.reads_phones = self._assembly.reads_phones

    def __call__(self, task: Path | Decoding) -> Output | DataError | Decoded:
        """Run the network on a recording, or decode an utterance.

        Returns:
            For a path, the network's output, or the error of the recording; for a Decoding, its
            result.

        Raises:
            ModelError: As in decoder.
        """
        if isinstance(task, Decoding):
            return self._decode(task)
        try:
            audio = read_audio(task, self._model.sample_rate)
        except DataError as error:
            return error
        return Output(self._model.log_probs(audio), audio.duration)

    def decoder(self, settings: DecoderSettings) -> NBestDecoder:
        """The decoder with certain settings; the confidences of its words are not calibrated.

        Raises:
            ModelError: A file of the decoder does not fit the settings.
        """
        if settings != self._settings:
            self._decoder = self._assembly.with_settings(
                self._frame_seconds, settings.config, settings.neural_lm, settings.prior
            )
            self._settings = settings
        return self._decoder

    def _decode(self, task: Decoding) -> Decoded:
        decoder = self.decoder(task.settings)
        start = time.perf_counter()
        n_best = decoder.search(task.log_probs)[: task.num_hypotheses]
        return Decoded(tuple(n_best), time.perf_counter() - start)

    @cached_property
    def _model(self) -> LiteRTAcousticModel:
        return LiteRTAcousticModel(self._bundle, phones=self._assembly.reads_phones)
