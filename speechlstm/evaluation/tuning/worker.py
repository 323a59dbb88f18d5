"""What a process does for the tuner: runs the network, decodes with one setting after another."""

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
class Settings:
    """The settings of a decoder that a trial is about.

    Attributes:
        config: Of the search.
        neural_lm: Of the LSTM language model; of weight 0: without it.
        prior: Of the labels.
    """

    config: DecodeConfig
    neural_lm: NeuralLMConfig
    prior: Prior | None


@dataclass(frozen=True)
class Output:
    """What the network gives for an utterance.

    Attributes:
        log_probs: (num_frames, num_labels), natural logarithms.
        duration: Of the recording in seconds.
    """

    log_probs: NDArray[np.float32]
    duration: float


@dataclass(frozen=True)
class Decoding:
    """An utterance to decode.

    Attributes:
        settings: How.
        log_probs: (num_frames, num_labels), natural logarithms.
        num_hypotheses: To give back, at most.
    """

    settings: Settings
    log_probs: NDArray[np.float32]
    num_hypotheses: int


@dataclass(frozen=True)
class Decoded:
    """What comes of it.

    Attributes:
        hypotheses: The best first, at least one.
        seconds: That it took.
    """

    hypotheses: tuple[BeamHypothesis, ...]
    seconds: float


class TuningWorker:
    """Runs the network and decodes; keeps the files that both read, and the latest decoder.

    Args:
        bundle: The network, and the files that a decoder reads.

    Raises:
        Errors of `DecoderAssembly`.
    """

    def __init__(self, bundle: Bundle) -> None:
        acoustic = bundle.acoustic
        self._bundle, self._frame_seconds = bundle, acoustic.frame_seconds
        self._assembly = DecoderAssembly(bundle.decoder, acoustic.alphabet, acoustic.phones)
        self._settings: Settings | None = None

    def __call__(self, task: Path | Decoding) -> Output | DataError | Decoded:
        """The network's output for a recording, or why there is none; or an utterance decoded.

        Raises:
            Errors of `decoder`.
        """
        if isinstance(task, Decoding):
            return self._decode(task)
        try:
            audio = read_audio(task, self._model.sample_rate)
        except DataError as error:
            return error
        return Output(self._model.log_probs(audio), audio.duration)

    def decoder(self, settings: Settings) -> NBestDecoder:
        """The decoder with these settings; its words' confidences are raw.

        Raises:
            Errors of `DecoderAssembly.with_settings`.
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
        found = decoder.search(task.log_probs)[: task.num_hypotheses]
        return Decoded(tuple(found), time.perf_counter() - start)

    @cached_property
    def _model(self) -> LiteRTAcousticModel:
        return LiteRTAcousticModel(self._bundle, phones=self._assembly.reads_phones)
