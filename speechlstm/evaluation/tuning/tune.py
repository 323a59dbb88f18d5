"""From a bundle and transcribed recordings to the settings of its decoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from speechlstm.bundle import Bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.confidence import Calibration, calibration_error, fit_calibration
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import ModelError
from speechlstm.evaluation.evaluate import normalized_confidences
from speechlstm.evaluation.metrics import correct_words
from speechlstm.evaluation.tuning.search import (
    search_beam_width,
    search_neural_lm,
    search_weights,
)
from speechlstm.evaluation.tuning.trials import Track, Trial, Trials, untracked
from speechlstm.text.g2p import G2PModel
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Hypothesis

Report = Callable[[Trial], object]


@dataclass(frozen=True)
class CalibrationFit:
    """A calibration of confidences, and what it does.

    Attributes:
        calibration: Makes the confidences of words probabilities.
        error_before: Calibration error of raw confidences: see calibration_error.
        error_after: That of calibrated ones.
    """

    calibration: Calibration
    error_before: float
    error_after: float


@dataclass(frozen=True)
class Tuned:
    """What tuning has found.

    Attributes:
        decoder: The decoder, with the settings found.
        fit: What calibrates its confidences.
        num_utterances: On which it was found.
        failures: For each utterance that could not be read its id and the reason.
        word_error_rates: WER of each (lm_weight, word_bonus) that was tried with the prior_weight
            chosen; empty where no weights were searched.
    """

    decoder: DecoderSpec
    fit: CalibrationFit
    num_utterances: int
    failures: dict[str, str]
    word_error_rates: dict[tuple[float, float], float]


def tune(
    bundle: Bundle,
    manifests: Sequence[Manifest],
    max_utterances: int = 500,
    jobs: int = 1,
    track: Track = untracked,
    report: Report = lambda trial: None,
) -> Tuned:
    """Find a decoder's weights, the width of its beam, the share of an LSTM, and its calibration.

    Where the bundle has no language model, lexicon or hot words, confidences alone are calibrated.

    Args:
        bundle: The network and the decoder; its settings are where the search starts.
        manifests: Utterances with their texts; others are left out.
        max_utterances: How many of them, spread evenly over the manifests.
        jobs: Processes, at most.
        track: Passes what is done on one by one: a progress bar.
        report: Gets each trial.

    Raises:
        ManifestError: A manifest cannot be read, or no utterance has a text and can be used.
        ModelError: Files of the decoder cannot be read or do not fit.
    """
    refuse_unfit_files(bundle)
    decoder = bundle.decoder
    rates: dict[tuple[float, float], float] = {}
    with Trials(bundle, jobs, track) as trials:
        failures = trials.run_network(manifests, max_utterances)
        if decoder.is_search:
            best, rates = _search(trials, decoder, report)
            decoder = replace(
                decoder, config=best.config, neural_lm_config=best.neural_lm, prior=trials.prior
            )
            hypotheses = trials.judged(best.config, best.neural_lm)
        else:
            decoder = replace(decoder, prior=None)
            hypotheses = trials.greedy()
        fit = calibrate(trials.references, hypotheses)
        decoder = replace(decoder, calibration=fit.calibration)
        return Tuned(decoder, fit, len(trials.outputs), failures, rates)


def refuse_unfit_files(bundle: Bundle) -> None:
    """Refuse files of the decoder that cannot do what they are there for.

    Raises:
        ModelError: The G2P network gives other phones than the acoustic model, or there is an LSTM
            language model without an n-gram model.
    """
    g2p, neural_lm = bundle.decoder.g2p, bundle.decoder.neural_lm
    if g2p and G2PModel(g2p).phones != bundle.acoustic.phones:
        raise ModelError(f"{g2p}: gives other phones than those that {bundle.path} emits")
    if neural_lm and not bundle.decoder.lm:
        reason = f"counts beside an n-gram model, and {bundle.path} has none: give it one with --lm"
        raise ModelError(f"{neural_lm}: {reason}")


def calibrate(references: Sequence[str], hypotheses: Sequence[Hypothesis]) -> CalibrationFit:
    """What makes the confidences of words probabilities.

    Args:
        references: What is said in each utterance, normalised.
        hypotheses: Of each utterance one, with raw confidences.
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
    trials: Trials, decoder: DecoderSpec, report: Report
) -> tuple[Trial, dict[tuple[float, float], float]]:
    """The best trial; WER of each (lm_weight, word_bonus)."""

    def attempt(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        trial = trials.decode(config, neural_lm)
        report(trial)
        return trial

    config, rates = decoder.config, {}
    if decoder.lm:
        weighed = search_weights(attempt, config)
        config = weighed[0].config
        rates = {
            (trial.config.lm_weight, trial.config.word_bonus): trial.errors.rate
            for trial in weighed
            if trial.config.prior_weight == config.prior_weight
        }
    best = search_beam_width(attempt, config)
    if decoder.neural_lm:
        without = replace(best, neural_lm=replace(decoder.neural_lm_config, weight=0.0))
        report(without)
        best = search_neural_lm(attempt, without, decoder.neural_lm_config)
    return best, rates
