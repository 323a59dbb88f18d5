"""Word errors of a decoder with given settings, on utterances with known transcripts.

The network runs once; then all utterances are decoded with one setting after another. Rescoring
n-best lists would be faster, but cannot find what other weights would have kept in the beam:
weights chosen that way had a WER of .434 on read speech, where .404 was possible.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self, cast

import numpy as np

from speechlstm.bundle import Bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.nbest import NUM_RIVALS, with_times_and_confidences
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.timed_words import frame_times
from speechlstm.errors import DataError, ManifestError
from speechlstm.evaluation.metrics import ErrorCounts, character_errors, word_errors
from speechlstm.evaluation.tuning.worker import DecoderSettings, Decoding, Output, TuningWorker
from speechlstm.parallel import Progress, WorkerPool, no_progress
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Hypothesis

WITHOUT = NeuralLMConfig(weight=0.0)  # no LSTM language model


@dataclass(frozen=True)
class Trial:
    """The result of decoding all utterances with certain settings.

    Attributes:
        config: The settings.
        neural_lm: Those of the LSTM language model; weight 0: without it.
        utterance_errors: Word errors of the best hypothesis of each utterance.
        rtf: Real-time factor of the decoder alone, on one core.
        hypotheses: For each utterance its hypotheses, the best one first.
    """

    config: DecodeConfig
    neural_lm: NeuralLMConfig
    utterance_errors: tuple[ErrorCounts, ...]
    rtf: float
    hypotheses: tuple[tuple[BeamHypothesis, ...], ...]

    @property
    def errors(self) -> ErrorCounts:
        """Word errors of all utterances."""
        return sum(self.utterance_errors, ErrorCounts())

    @property
    def num_errors(self) -> list[int]:
        """Word errors in each utterance."""
        return [errors.num_errors for errors in self.utterance_errors]


class Trials:
    """Runs the network on utterances once, and decodes them with one setting after another.

    Use it as a context manager, `with Trials(bundle) as trials`; its processes are started once and
    end with the block.

    Args:
        bundle: The network and the decoder's files.

    Attributes:
        references: The normalised reference of each utterance.
        outputs: The network's output for each utterance.
        prior: The labels' prior in those outputs, and in the bundle: see Prior.estimate.
        reads_phones: Whether the search reads phones.

    Raises:
        ModelError: A file of the decoder cannot be read or does not fit.
    """

    def __init__(self, bundle: Bundle, jobs: int = 1, progress: Progress = no_progress) -> None:
        self._acoustic, self._progress = bundle.acoustic, progress
        self._base_prior = bundle.decoder.prior
        self.references: list[str] = []
        self.outputs: list[Output] = []
        self.prior: Prior | None = None
        self._pool: WorkerPool[Any, Any] = WorkerPool(partial(TuningWorker, bundle), jobs)
        worker = cast(TuningWorker, self._pool.function)
        self.reads_phones = worker.reads_phones
        # Reports an error in a file now instead of after minutes.
        worker.decoder(DecoderSettings(bundle.decoder.config, NeuralLMConfig(), None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.close()

    def run_network(self, manifests: Sequence[Manifest], max_utterances: int) -> dict[str, str]:
        """Run the network on transcribed utterances, spread evenly over the manifests.

        Args:
            manifests: The utterances; those without a text are skipped.
            max_utterances: The largest number of utterances.

        Returns:
            The reason for each utterance that could not be read, by id.

        Raises:
            ManifestError: A manifest cannot be read, or no utterance has a text and can be used.
        """
        transcribed = [(m.recording(u), u) for m in manifests for u in m if u.text is not None]
        num_chosen = min(len(transcribed), max_utterances)
        places = np.linspace(0, len(transcribed) - 1, num_chosen).astype(int)
        chosen = [transcribed[place] for place in places]
        results = self._pool.map([path for path, _ in chosen])
        failures: dict[str, str] = {}
        for (_, utterance), result in zip(
            chosen, self._progress(results, len(chosen), "network"), strict=True
        ):
            if isinstance(result, DataError):
                failures[utterance.id] = str(result)
            else:
                self.references.append(normalize(utterance.text or ""))
                self.outputs.append(result)
        if not self.outputs:
            reason = next(iter(failures.values()), "none has a text")
            raise ManifestError(manifests[0].path, f"no utterance to tune on: {reason}")
        base = self._base_prior
        if base and len(base.log_probs) != self.outputs[0].log_probs.shape[1]:
            base = None  # of characters, and phones are searched now, or the other way round
        self.prior = Prior.estimate((output.log_probs for output in self.outputs), base)
        return failures

    def decode(
        self, config: DecodeConfig, neural_lm: NeuralLMConfig = WITHOUT, num_hypotheses: int = 1
    ) -> Trial:
        """Decode all utterances.

        Args:
            config: The settings.
            neural_lm: Those of the LSTM language model.
            num_hypotheses: The number of hypotheses to keep of each utterance.
        """
        settings = DecoderSettings(config, neural_lm, self.prior)
        tasks = [Decoding(settings, output.log_probs, num_hypotheses) for output in self.outputs]
        decoded = list(self._progress(self._pool.map(tasks), len(tasks), "decoding"))
        hypotheses = tuple(result.hypotheses for result in decoded)
        errors = tuple(
            word_errors(*pair) for pair in self._pairs(n_best[0] for n_best in hypotheses)
        )
        seconds = sum(result.seconds for result in decoded)
        rtf = seconds / sum(output.duration for output in self.outputs)
        return Trial(config, neural_lm, errors, rtf, hypotheses)

    def _pairs(self, found: Iterable[BeamHypothesis | Hypothesis]) -> list[tuple[str, str]]:
        """The reference of each utterance, and the normalised text of a hypothesis of it."""
        return [
            (reference, normalize(hypothesis.text))
            for reference, hypothesis in zip(self.references, found, strict=True)
        ]

    def is_worse_than_greedy(self, trial: Trial) -> bool:
        """Whether a search has more errors than greedy decoding, in words or in characters.

        Only of a network that writes characters.
        """
        found, greedy = self._pairs(h[0] for h in trial.hypotheses), self._pairs(self.greedy())
        return any(
            sum(count(*pair).num_errors for pair in found)
            > sum(count(*pair).num_errors for pair in greedy)
            for count in (word_errors, character_errors)
        )

    def with_confidences(
        self, config: DecodeConfig, neural_lm: NeuralLMConfig = WITHOUT
    ) -> list[Hypothesis]:
        """The best hypothesis of each utterance, with uncalibrated confidences of its words."""
        trial = self.decode(config, neural_lm, NUM_RIVALS)
        hypotheses = []
        for output, n_best in zip(self.outputs, trial.hypotheses, strict=True):
            num_frames = len(output.log_probs)
            times = frame_times(num_frames, self._acoustic.frame_seconds, output.duration)
            hypotheses.append(
                with_times_and_confidences(n_best[0], n_best, output.log_probs, times)
            )
        return hypotheses

    def greedy(self) -> list[Hypothesis]:
        """The hypothesis of greedy decoding for each utterance, with uncalibrated confidences."""
        alphabet, frame_seconds = self._acoustic.alphabet, self._acoustic.frame_seconds
        return [greedy_decode(output.log_probs, alphabet, frame_seconds) for output in self.outputs]
