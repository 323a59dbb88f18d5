"""How much a language model should count: found on recordings whose text is known.

The network runs once; then all utterances are decoded with one setting after another. (Weighing
n-best lists anew takes less time, but it misses what other weights would have kept in the beam: so
chosen, weights had .434 WER on read speech where .404 was to be had.)
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import read_audio
from speechlstm.bundle import AcousticSpec, Bundle, read_bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.decoding.confidence import Calibration, calibration_error, fit_calibration
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.decoding.nbest import NUM_RIVALS, NBestDecoder, judge
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.decoding.words import frame_times
from speechlstm.errors import DataError, ManifestError
from speechlstm.evaluation.evaluate import normalized_confidences
from speechlstm.evaluation.metrics import ErrorCounts, correct_words, word_errors
from speechlstm.parallel import map_in_processes
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Hypothesis

BEAM_WIDTHS = (64, 128, 256, 512)
NEURAL_LM_WEIGHTS = (0.3, 0.5, 0.7)
STEPS = ((0.3, 1.0, 0.2), (0.15, 0.5, 0.1))  # of the three weights, the coarse ones first
TOLERANCE = 0.001  # of WER, that a narrower beam may cost

WITHOUT = NeuralLMConfig(weight=0.0)  # the n-grams alone

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]  # items, how many, what is done
Report = Callable[["Trial"], object]
_Found = tuple[tuple[BeamHypothesis, ...], float]  # n-best list, seconds it took


def _untracked(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    return items


def _unreported(trial: "Trial") -> None:
    pass


@dataclass(frozen=True)
class Heard:
    """An utterance after the network.

    Attributes:
        text: What is said, normalised.
        log_probs: (num_frames, num_labels), natural logarithms.
        duration: Of the recording in seconds.
    """

    text: str
    log_probs: NDArray[np.float32]
    duration: float


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


class Tuner:
    """Hears utterances once and decodes them with one setting after another.

    Args:
        bundle: The network that hears them, and what decodes.
        jobs: Processes, at most.
        track: Passes what is done on one by one: a progress bar.

    Attributes:
        heard: The utterances.
        prior: Of the labels in them.

    Raises:
        Errors of `BeamDecoder`, or files that cannot be read.
    """

    def __init__(
        self,
        bundle: Bundle,
        jobs: int = 1,
        track: Track = _untracked,
    ) -> None:
        self._bundle, self._jobs, self._track = bundle, jobs, track
        self.heard: list[Heard] = []
        self.prior: Prior | None = None
        # A fault in a file shows here, not after minutes.
        acoustic = bundle.acoustic
        assembly = DecoderAssembly(bundle.decoder, acoustic.alphabet, acoustic.phones)
        self._hears_phones = assembly.reads_phones
        assembly.with_settings(acoustic.frame_seconds, bundle.decoder.config, NeuralLMConfig())

    def hear(self, manifests: Sequence[Manifest], max_utterances: int) -> dict[str, str]:
        """Run the network on transcribed utterances, spread evenly over the manifests.

        Args:
            manifests: The utterances; those without a text are left out.
            max_utterances: How many at most.

        Returns:
            For each utterance that could not be read its id and the reason.

        Raises:
            ManifestError: A manifest cannot be read, or no utterance has a text and can be used.
        """
        spoken = [(m.audio_path(u), u) for m in manifests for u in m if u.text is not None]
        places = np.linspace(0, len(spoken) - 1, min(len(spoken), max_utterances)).astype(int)
        chosen = [spoken[place] for place in places]
        load = partial(_load_model, self._bundle.path, self._hears_phones)
        results = map_in_processes(load, [path for path, _ in chosen], self._jobs)
        failures: dict[str, str] = {}
        for (_, utterance), result in zip(
            chosen, self._track(results, len(chosen), "hearing"), strict=True
        ):
            if isinstance(result, DataError):
                failures[utterance.id] = str(result)
            else:
                self.heard.append(Heard(normalize(utterance.text or ""), *result))
        if not self.heard:
            reason = next(iter(failures.values()), "none has a text")
            raise ManifestError(manifests[0].path, f"no utterance to tune on: {reason}")
        self.prior = Prior.estimate(heard.log_probs for heard in self.heard)
        return failures

    def decode(
        self, config: DecodeConfig, neural_lm: NeuralLMConfig = WITHOUT, num_hypotheses: int = 1
    ) -> Trial:
        """Decode all utterances; num_hypotheses of each are kept."""
        load = self._load(config, neural_lm, num_hypotheses)
        results = map_in_processes(load, self.heard, self._jobs)
        found, seconds = zip(*self._track(results, len(self.heard), "decoding"), strict=True)
        errors = ErrorCounts()
        for heard, hypotheses in zip(self.heard, found, strict=True):
            errors += word_errors(heard.text, normalize(hypotheses[0].text))
        rtf = sum(seconds) / sum(heard.duration for heard in self.heard)
        return Trial(config, neural_lm, errors, rtf, found)

    def search_weights(self, config: DecodeConfig, report: Report = _unreported) -> list[Trial]:
        """Search lm_weight, word_bonus and prior_weight.

        In steps to the best of the points around, until none is better, then in smaller ones (Hooke
        and Jeeves, "Direct search" solution of numerical and statistical problems, 1961).

        Args:
            config: Where to start, and all other settings.
            report: Gets each trial.

        Returns:
            All trials, the one with the fewest errors first.
        """
        trials: dict[DecodeConfig, Trial] = {}

        def num_errors(config: DecodeConfig) -> int:
            if config not in trials:
                trials[config] = self._tried(config, report=report)
            return _num_errors(trials[config])

        best = config
        for steps in STEPS:
            centre = None
            while centre != best:
                centre = best
                best = min([centre, *_around(centre, *steps)], key=num_errors)
        return sorted(trials.values(), key=_num_errors)

    def search_beam_width(self, config: DecodeConfig, report: Report = _unreported) -> Trial:
        """The narrowest of BEAM_WIDTHS whose WER is within TOLERANCE of the lowest."""
        trials = [self._tried(replace(config, beam_width=w), report=report) for w in BEAM_WIDTHS]
        lowest = min(trial.errors.rate for trial in trials)
        return next(trial for trial in trials if trial.errors.rate <= lowest + TOLERANCE)

    def search_neural_lm(
        self, found: Trial, neural_lm: NeuralLMConfig, report: Report = _unreported
    ) -> Trial:
        """Search the weight of the LSTM language model, then lm_weight again, by a small step.

        Args:
            found: What was found without it.
            neural_lm: Whether it takes part in the search.
            report: Gets each trial.

        Returns:
            The one with the fewest errors, perhaps without the LSTM.
        """
        tried, config = partial(self._tried, report=report), found.config
        without = replace(found, neural_lm=replace(neural_lm, weight=0.0))
        report(without)
        weights = [replace(neural_lm, weight=weight) for weight in NEURAL_LM_WEIGHTS]
        best = min([without, *(tried(config, weight) for weight in weights)], key=_num_errors)
        step = STEPS[-1][0]
        lm_weights = (round(config.lm_weight + step * sign, 3) for sign in (-1, 1))
        moved = [replace(config, lm_weight=max(0.0, weight)) for weight in lm_weights]
        return min([best, *(tried(c, best.neural_lm) for c in moved)], key=_num_errors)

    def judged(self, config: DecodeConfig, neural_lm: NeuralLMConfig = WITHOUT) -> list[Hypothesis]:
        """The best hypothesis of each utterance with words that are not calibrated yet."""
        trial = self.decode(config, neural_lm, NUM_RIVALS)
        return [
            judge(best[0], best, heard.log_probs, self._times(heard))
            for heard, best in zip(self.heard, trial.hypotheses, strict=True)
        ]

    def greedy(self) -> list[Hypothesis]:
        """The same of the best paths."""
        acoustic = self._bundle.acoustic
        alphabet, frame_seconds = acoustic.alphabet, acoustic.frame_seconds
        return [greedy_decode(heard.log_probs, alphabet, frame_seconds) for heard in self.heard]

    def calibrate(self, hypotheses: Sequence[Hypothesis]) -> tuple[Calibration, float, float]:
        """What makes the confidences of words probabilities.

        Args:
            hypotheses: Of each utterance one.

        Returns:
            The calibration; the calibration error without it and with it.
        """
        confidences: list[float] = []
        correct: list[bool] = []
        for heard, hypothesis in zip(self.heard, hypotheses, strict=True):
            confidences += normalized_confidences(hypothesis.words)
            correct += correct_words(heard.text, normalize(hypothesis.text))
        calibration = fit_calibration(confidences, correct)
        mapped = [calibration(confidence) for confidence in confidences]
        before, after = (calibration_error(values, correct) for values in (confidences, mapped))
        return calibration, before, after

    def _times(self, heard: Heard) -> NDArray[np.float64]:
        return frame_times(
            len(heard.log_probs), self._bundle.acoustic.frame_seconds, heard.duration
        )

    def _tried(
        self, config: DecodeConfig, neural_lm: NeuralLMConfig = WITHOUT, *, report: Report
    ) -> Trial:
        trial = self.decode(config, neural_lm)
        report(trial)
        return trial

    def _load(
        self, config: DecodeConfig, neural_lm: NeuralLMConfig, num_hypotheses: int
    ) -> "partial[Callable[[Heard], _Found]]":
        decoder = replace(
            self._bundle.decoder, config=config, neural_lm_config=neural_lm, prior=self.prior
        )
        return partial(_load_search, self._bundle.acoustic, decoder, num_hypotheses)


def _num_errors(trial: Trial) -> int:
    return trial.errors.num_errors


def _around(
    config: DecodeConfig, lm_step: float, bonus_step: float, prior_step: float
) -> Iterator[DecodeConfig]:
    """Settings that differ by a step: in prior_weight, or in one or both of the others."""
    moves = [(i, j, 0) for i, j in product((-1, 0, 1), repeat=2) if i or j]
    for i, j, k in [*moves, (0, 0, -1), (0, 0, 1)]:
        lm_weight = round(config.lm_weight + i * lm_step, 3)
        word_bonus = round(config.word_bonus + j * bonus_step, 3)
        prior_weight = round(config.prior_weight + k * prior_step, 3)
        if lm_weight >= 0 and prior_weight >= 0:
            yield replace(
                config, lm_weight=lm_weight, word_bonus=word_bonus, prior_weight=prior_weight
            )


def _load_model(
    path: Path, phones: bool
) -> Callable[[Path], tuple[NDArray[np.float32], float] | DataError]:
    return partial(_run_model, LiteRTAcousticModel(read_bundle(path), phones=phones))


def _run_model(
    model: LiteRTAcousticModel, path: Path
) -> tuple[NDArray[np.float32], float] | DataError:
    try:
        audio = read_audio(path, model.sample_rate)
    except DataError as error:
        return error
    return model.log_probs(audio), audio.duration


def _load_search(
    acoustic: AcousticSpec, spec: DecoderSpec, num_hypotheses: int
) -> Callable[[Heard], _Found]:
    assembly = DecoderAssembly(spec, acoustic.alphabet, acoustic.phones)
    decoder = assembly.with_settings(
        acoustic.frame_seconds, spec.config, spec.neural_lm_config, spec.prior
    )
    return partial(_search, decoder, num_hypotheses)


def _search(decoder: NBestDecoder, num_hypotheses: int, heard: Heard) -> _Found:
    start = time.perf_counter()
    found = decoder.search(heard.log_probs)
    return tuple(found[:num_hypotheses]), time.perf_counter() - start
