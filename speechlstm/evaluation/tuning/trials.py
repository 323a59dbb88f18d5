"""What settings of a decoder are worth: word errors on utterances whose text is known.

The network runs once; then all utterances are decoded with one setting after another. (Weighing
n-best lists anew takes less time, but it misses what other weights would have kept in the beam: so
chosen, weights had .434 WER on read speech where .404 was to be had.)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self, cast

import numpy as np

from speechlstm.bundle import Bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.nbest import NUM_RIVALS, judge
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.words import frame_times
from speechlstm.errors import DataError, ManifestError
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.evaluation.tuning.worker import Decoding, Output, Settings, TuningWorker
from speechlstm.parallel import WorkerPool
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Hypothesis

WITHOUT = NeuralLMConfig(weight=0.0)  # the n-grams alone

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]  # items, how many, what is done


def untracked(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """The items as they are: no progress is shown."""
    return items


@dataclass(frozen=True)
class Trial:
    """What decoding with certain settings gives.

    Attributes:
        config: The settings.
        neural_lm: Those of the LSTM language model; of weight 0: without it.
        errors: Word errors of the best hypotheses.
        rtf: Compute seconds by audio seconds, of the decoder alone, on one core.
        hypotheses: Of each utterance, the best first.
    """

    config: DecodeConfig
    neural_lm: NeuralLMConfig
    errors: ErrorCounts
    rtf: float
    hypotheses: tuple[tuple[BeamHypothesis, ...], ...]


class Trials:
    """Runs the network on utterances once and decodes them with one setting after another.

    Its processes are started once, and end with the block: `with Trials(bundle) as trials`.

    Args:
        bundle: The network, and what decodes.
        jobs: Processes, at most.
        track: Passes what is done on one by one: a progress bar.

    Attributes:
        references: What is said in each utterance, normalised.
        outputs: What the network gives for each.
        prior: Of the labels in those.

    Raises:
        Errors of `DecoderAssembly` and `BeamDecoder`.
    """

    def __init__(self, bundle: Bundle, jobs: int = 1, track: Track = untracked) -> None:
        self._acoustic, self._track = bundle.acoustic, track
        self.references: list[str] = []
        self.outputs: list[Output] = []
        self.prior: Prior | None = None
        self._pool: WorkerPool[Any, Any] = WorkerPool(partial(TuningWorker, bundle), jobs)
        worker = cast(TuningWorker, self._pool.function)
        # A fault in a file shows here, not after minutes.
        worker.decoder(Settings(bundle.decoder.config, NeuralLMConfig(), None))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.close()

    def run_network(self, manifests: Sequence[Manifest], max_utterances: int) -> dict[str, str]:
        """Run the network on transcribed utterances, spread evenly over the manifests.

        Args:
            manifests: The utterances; those without a text are left out.
            max_utterances: How many at most.

        Returns:
            For each utterance that could not be read its id and the reason.

        Raises:
            ManifestError: A manifest cannot be read, or no utterance has a text and can be used.
        """
        transcribed = [(m.audio_path(u), u) for m in manifests for u in m if u.text is not None]
        num_chosen = min(len(transcribed), max_utterances)
        places = np.linspace(0, len(transcribed) - 1, num_chosen).astype(int)
        chosen = [transcribed[place] for place in places]
        results = self._pool.map([path for path, _ in chosen])
        failures: dict[str, str] = {}
        for (_, utterance), result in zip(
            chosen, self._track(results, len(chosen), "network"), strict=True
        ):
            if isinstance(result, DataError):
                failures[utterance.id] = str(result)
            else:
                self.references.append(normalize(utterance.text or ""))
                self.outputs.append(result)
        if not self.outputs:
            reason = next(iter(failures.values()), "none has a text")
            raise ManifestError(manifests[0].path, f"no utterance to tune on: {reason}")
        self.prior = Prior.estimate(output.log_probs for output in self.outputs)
        return failures

    def decode(
        self, config: DecodeConfig, neural_lm: NeuralLMConfig = WITHOUT, num_hypotheses: int = 1
    ) -> Trial:
        """Decode all utterances.

        Args:
            config: The settings.
            neural_lm: Those of the LSTM language model.
            num_hypotheses: To keep of each utterance.
        """
        settings = Settings(config, neural_lm, self.prior)
        tasks = [Decoding(settings, output.log_probs, num_hypotheses) for output in self.outputs]
        decoded = list(self._track(self._pool.map(tasks), len(tasks), "decoding"))
        hypotheses = tuple(result.hypotheses for result in decoded)
        errors = ErrorCounts()
        for reference, found in zip(self.references, hypotheses, strict=True):
            errors += word_errors(reference, normalize(found[0].text))
        seconds = sum(result.seconds for result in decoded)
        rtf = seconds / sum(output.duration for output in self.outputs)
        return Trial(config, neural_lm, errors, rtf, hypotheses)

    def judged(self, config: DecodeConfig, neural_lm: NeuralLMConfig = WITHOUT) -> list[Hypothesis]:
        """The best hypothesis of each utterance, with raw confidences of its words."""
        trial = self.decode(config, neural_lm, NUM_RIVALS)
        hypotheses = []
        for output, found in zip(self.outputs, trial.hypotheses, strict=True):
            num_frames = len(output.log_probs)
            times = frame_times(num_frames, self._acoustic.frame_seconds, output.duration)
            hypotheses.append(judge(found[0], found, output.log_probs, times))
        return hypotheses

    def greedy(self) -> list[Hypothesis]:
        """The same of the best paths."""
        alphabet, frame_seconds = self._acoustic.alphabet, self._acoustic.frame_seconds
        return [greedy_decode(output.log_probs, alphabet, frame_seconds) for output in self.outputs]
