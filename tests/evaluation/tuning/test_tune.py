from dataclasses import replace
from pathlib import Path

import pytest

from speechlstm.bundle import Bundle, default_bundle, read_bundle
from speechlstm.config import DecodeConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.confidence import calibration_error, fit_calibration
from speechlstm.decoding.spec import narrowed
from speechlstm.errors import ModelError
from speechlstm.evaluation.tuning.trials import Trial, Trials
from speechlstm.evaluation.tuning.tune import calibrate, tune

LSTM = Path(__file__).parents[2] / "assets" / "language_model.tflite"


@pytest.mark.slow
def test_a_decoder_is_found_with_its_prior_and_calibration(
    bundle: Bundle, manifest: Manifest
) -> None:
    start = DecodeConfig(lm_weight=0.0, word_bonus=0.0, beam_width=20, hot_word_weight=0.25)
    bundle = replace(bundle, decoder=replace(bundle.decoder, config=start))
    reported: list[Trial] = []
    tuned = tune(bundle, [manifest], report=reported.append)
    config = tuned.decoder.config
    assert reported[0].config == start
    assert config.lm_weight > 0
    assert config.beam_width == 64  # so short a text needs no wide beam
    assert config.hot_word_weight == 0.25
    assert tuned.decoder.lm == bundle.decoder.lm
    assert tuned.decoder.prior is not None
    assert tuned.decoder.calibration == tuned.fit.calibration
    assert tuned.decoder.fast
    assert tuned.decoder.fast.config == narrowed(config)
    assert tuned.decoder.fast.calibration is not None
    assert (tuned.num_utterances, list(tuned.failures)) == (3, ["missing"])
    assert tuned.word_error_rates[config.lm_weight, config.word_bonus] == 0.0


@pytest.mark.slow
def test_an_lstm_is_tried_with_and_without(bundle: Bundle, manifest: Manifest) -> None:
    decoder = replace(bundle.decoder, neural_lm=LSTM)
    reported: list[Trial] = []
    tuned = tune(replace(bundle, decoder=decoder), [manifest], report=reported.append)
    weights = [trial.neural_lm.weight for trial in reported[-6:]]
    assert weights[:4] == [0.0, 0.3, 0.5, 0.7]
    assert tuned.decoder.neural_lm_config.weight == weights[-1]
    assert tuned.decoder.neural_lm == LSTM


def test_without_a_search_confidences_alone_are_calibrated(
    levels_bundle: Path, manifest: Manifest
) -> None:
    reported: list[Trial] = []
    tuned = tune(read_bundle(levels_bundle), [manifest], report=reported.append)
    assert (reported, tuned.word_error_rates, tuned.decoder.prior) == ([], {}, None)
    assert tuned.decoder.config == DecodeConfig()
    assert 0 < tuned.fit.error_after < 1


def test_confidences_are_calibrated_on_the_words_of_the_references(trials: Trials) -> None:
    hypotheses = trials.with_confidences(DecodeConfig(lm_weight=0.0, word_bonus=0.0))
    fit = calibrate(trials.references, hypotheses)
    words = [word for hypothesis in hypotheses for word in hypothesis.words]
    confidences = [word.confidence for word in words]
    correct = [word.text in ("a", "hat") for word in words]
    assert fit.calibration == fit_calibration(confidences, correct)
    assert fit.error_before == calibration_error(confidences, correct)
    calibrated = [fit.calibration(confidence) for confidence in confidences]
    assert fit.error_after == calibration_error(calibrated, correct)


def test_files_that_do_not_fit_are_refused(bundle: Bundle, manifest: Manifest) -> None:
    alone = replace(bundle.decoder, lm=None, neural_lm=LSTM)
    with pytest.raises(ModelError, match=r"needs an n-gram model, and .* has none"):
        tune(replace(bundle, decoder=alone), [manifest])
    g2p = read_bundle(default_bundle()).decoder.g2p
    with pytest.raises(ModelError, match=r"has other phones than the network in"):
        tune(replace(bundle, decoder=replace(bundle.decoder, g2p=g2p)), [manifest])
