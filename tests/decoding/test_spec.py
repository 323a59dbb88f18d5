from dataclasses import replace
from pathlib import Path

import pytest

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.spec import DecoderSpec, FastDecoding, with_arguments
from speechlstm.errors import ConfigError

GIVEN = DecoderSpec(
    DecodeConfig(beam_width=320, lm_weight=0.95),
    lm=Path("lm.ngram"),
    neural_lm=Path("rescorer.tflite"),
    neural_lm_config=NeuralLMConfig(0.7, "fuse", 4),
    calibration=Calibration(1.1, 1.0),
)
FAST = FastDecoding(DecodeConfig(beam_width=48, lm_weight=0.75), Calibration(0.9, 0.5))


def test_fast_decoding_has_its_own_settings_and_no_lstm() -> None:
    spec = with_arguments(replace(GIVEN, fast=FAST), {"fast": True}, {})
    assert (spec.config, spec.calibration, spec.neural_lm) == (FAST.config, FAST.calibration, None)
    assert spec.lm == GIVEN.lm


def test_a_bundle_without_fast_settings_is_searched_in_a_narrower_beam() -> None:
    spec = with_arguments(GIVEN, {"fast": True}, {})
    assert spec.config == replace(GIVEN.config, beam_width=64, max_score_gap=10.0)
    assert spec.calibration is None  # it was fitted to another search
    narrow = replace(GIVEN, config=DecodeConfig(beam_width=8, max_score_gap=3.0))
    assert with_arguments(narrow, {"fast": True}, {}).config == narrow.config


def test_single_settings_are_changed_in_the_fast_ones_and_drop_their_calibration() -> None:
    spec = with_arguments(replace(GIVEN, fast=FAST), {"fast": True}, {"beam_width": 7})
    assert spec.config == replace(FAST.config, beam_width=7)
    assert spec.calibration is None
    spec = with_arguments(replace(GIVEN, fast=FAST), {"fast": True}, {"num_hypotheses": 7})
    assert spec.calibration == FAST.calibration


@pytest.mark.parametrize(
    "changes",
    [{"neural_lm": "other.tflite"}, {"neural_lm_weight": 0.5}, {"neural_lm_mode": "fuse"}],
)
def test_an_lstm_for_fast_decoding_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"fast decoding does not use {next(iter(changes))}"):
        with_arguments(GIVEN, {"fast": True, **changes}, {})
    assert with_arguments(GIVEN, {"fast": True, "neural_lm": None}, {}).neural_lm is None
