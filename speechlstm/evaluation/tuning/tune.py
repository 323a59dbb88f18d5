"""From a bundle and transcribed recordings to the settings of its decoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from speechlstm.bundle import Bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.confidence import Calibration, calibration_error, fit_calibration
from speechlstm.decoding.spec import DecoderSpec, FastDecoding, narrowed
from speechlstm.errors import ModelError
from speechlstm.evaluation.evaluate import normalized_confidences
from speechlstm.evaluation.metrics import correct_words
from speechlstm.evaluation.tuning.search import (
    search_beam_width,
    search_neural_lm,
    search_quickly,
    search_sentence_pause,
    search_weights,
)
from speechlstm.evaluation.tuning.trials import Trial, Trials
from speechlstm.parallel import Progress, no_progress
from speechlstm.text.g2p import G2PModel
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Hypothesis

Report = Callable[[Trial], object]


@dataclass(frozen=True)
class CalibrationFit:
    """A calibration of confidences and its effect.

    Attributes:
        calibration: Maps the words' confidences to probabilities.
        error_before: Calibration error of the uncalibrated confidences: see calibration_error.
        error_after: Calibration error of the calibrated ones.
    """

    calibration: Calibration
    error_before: float
    error_after: float


@dataclass(frozen=True)
class Tuned:
    """The result of tuning.

    Attributes:
        decoder: The decoder with the settings found.
        failures: The reason for each utterance that could not be read, by id.
        word_error_rates: The WER of each (lm_weight, word_bonus) tried with the prior_weight
            and the cost of unknown words chosen; empty if no weights were searched.
        worse_than_greedy: Whether the best search has more errors, in words or in characters, than
            greedy decoding; False if the search reads phones.
    """

    decoder: DecoderSpec
    fit: CalibrationFit
    num_utterances: int
    failures: dict[str, str]
    word_error_rates: dict[tuple[float, float], float]
    worse_than_greedy: bool = False


def tune(
    bundle: Bundle,
    manifests: Sequence[Manifest],
    max_utterances: int = 500,
    jobs: int = 1,
    progress: Progress = no_progress,
    report: Report = lambda trial: None,
    quick: bool = False,
) -> Tuned:
    """Find a decoder's weights, beam width, LSTM weight, calibration, and its fast settings.

    If the bundle has no language model, lexicon or hot words, only the confidences are calibrated.

    Args:
        bundle: The network and the decoder; the search starts from its settings.
        manifests: The utterances; those without a text are skipped.
        max_utterances: The largest number of utterances, spread evenly over the manifests.
        quick: Whether to try only a few settings near the bundle's, if the bundle has an LSTM
            language model.

    Raises:
        ManifestError: A manifest cannot be read, or no utterance has a text and can be used.
        ModelError: A file of the decoder cannot be read or does not fit.
    """
    refuse_unfit_files(bundle)
    decoder = bundle.decoder
    rates: dict[tuple[float, float], float] = {}
    with Trials(bundle, jobs, progress) as trials:
        failures = trials.run_network(manifests, max_utterances)
        fast, worse = None, False
        if decoder.is_search:
            best, fast_config, rates = _search(trials, decoder, report, quick)
            worse = not trials.reads_phones and trials.is_worse_than_greedy(best)
            decoder = replace(
                decoder, config=best.config, neural_lm_config=best.neural_lm, prior=trials.prior
            )
            hypotheses = trials.with_confidences(best.config, best.neural_lm)
            found_fast = trials.with_confidences(fast_config)
            fast_fit = calibrate(trials.references, found_fast)
            fast = FastDecoding(fast_config, fast_fit.calibration)
        else:
            decoder = replace(decoder, prior=None)
            hypotheses = trials.greedy()
        fit = calibrate(trials.references, hypotheses)
        decoder = replace(decoder, calibration=fit.calibration, fast=fast)
        return Tuned(decoder, fit, len(trials.outputs), failures, rates, worse)


def refuse_unfit_files(bundle: Bundle) -> None:
    """Refuse files of the decoder that cannot be used together.

    Raises:
        ModelError: The G2P network has other phones than the acoustic model, or there is an LSTM
            language model without an n-gram model.
    """
    g2p, neural_lm = bundle.decoder.g2p, bundle.decoder.neural_lm
    if g2p and G2PModel(g2p).phones != bundle.acoustic.phones:
        raise ModelError(f"{g2p}: has other phones than the network in {bundle.path}")
    if neural_lm and not bundle.decoder.lm:
        reason = f"needs an n-gram model, and {bundle.path} has none: give it one with --lm"
        raise ModelError(f"{neural_lm}: {reason}")


def calibrate(references: Sequence[str], hypotheses: Sequence[Hypothesis]) -> CalibrationFit:
    """Fit the calibration that turns the confidences of words into probabilities.

    Args:
        references: The normalised reference of each utterance.
        hypotheses: One hypothesis of each utterance, with uncalibrated confidences.
    """
    confidences: list[float] = []
    correct: list[bool] = []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        confidences += normalized_confidences(hypothesis.words)
        correct += correct_words(reference, normalize(hypothesis.text))
    calibration = fit_calibration(confidences, correct)
    mapped = [calibration(confidence) for confidence in confidences]
    before, after = (calibration_error(values, correct) for values in (confidences, mapped))
    return CalibrationFit(calibration, before, after)


def _search(
    trials: Trials, decoder: DecoderSpec, report: Report, quick: bool
) -> tuple[Trial, DecodeConfig, dict[tuple[float, float], float]]:
    """The best trial, fast settings, and the WER of each (lm_weight, word_bonus) tried."""

    def attempt(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        trial = trials.decode(config, neural_lm)
        report(trial)
        return trial

    config, rates = decoder.config, {}
    if quick and decoder.neural_lm:
        best = search_quickly(attempt, config, decoder.neural_lm_config)
        return best, decoder.fast.config if decoder.fast else narrowed(best.config), {}
    if decoder.lm:
        is_open = config.open_vocabulary and not trials.reads_phones
        weight_trials = search_weights(attempt, config, is_open)
        config = search_sentence_pause(attempt, weight_trials[0]).config
        rates = {
            (trial.config.lm_weight, trial.config.word_bonus): trial.errors.rate
            for trial in weight_trials
            if _others(trial.config) == _others(weight_trials[0].config)
        }
    best = search_beam_width(attempt, config)
    fast = narrowed(best.config)
    if decoder.neural_lm:
        without = replace(best, neural_lm=replace(decoder.neural_lm_config, weight=0.0))
        report(without)
        best = search_neural_lm(attempt, without, decoder.neural_lm_config)
    return best, fast, rates


def _others(config: DecodeConfig) -> tuple[float, float]:
    """The weights searched besides lm_weight and word_bonus."""
    return config.prior_weight, config.unknown_character_log_prob
