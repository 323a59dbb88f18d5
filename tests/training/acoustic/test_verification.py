import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.training.acoustic import verification
from speechlstm.training.acoustic.verification import Verification

GOOD = Verification(
    file="model.tflite",
    has_variables=True,
    quantization="none",
    num_bytes=4_100_000,
    ops={"RFFT2D": 1, "UNIDIRECTIONAL_SEQUENCE_LSTM": 6},
    num_utterances=3,
    rtf=0.0067,
    max_difference=1e-4,
    repeat_difference=0.0,
    keras_errors=ErrorCounts(hits=150, substitutions=50),
    file_errors=ErrorCounts(hits=149, substitutions=51),
)


def test_figures_on_the_bars_pass() -> None:
    assert GOOD.failures == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"max_difference": 1.1e-4},
            "log-probabilities differ from Keras by 0.00011, the limit is 0.0001",
        ),
        ({"repeat_difference": 0.28}, "two runs of an utterance by 0.28, the limit is 1e-06"),
        (
            {"file_errors": ErrorCounts(hits=148, substitutions=52)},
            "the WER rises by 0.01, the limit is 0.005",
        ),
        ({"ops": {"ADD": 1, "FlexErf": 1}}, "FlexErf are not built into LiteRT"),
        ({"ops": {"STABLEHLO_ADD": 1}}, "STABLEHLO_ADD are not built into LiteRT"),
        ({"file": "model.portable.tflite"}, "it has variable tensors, which LiteRT.js and"),
    ],
)
def test_each_missed_bar_is_named(change: dict[str, object], reason: str) -> None:
    (failure,) = replace(GOOD, **change).failures
    assert reason in failure


@pytest.mark.parametrize(
    ("added_errors", "num_words", "passes"),
    [
        ((1, 1, -1, 1, 0), 200, True),  # +2, of which the standard deviation is 2
        ((1, 1, 0, 0, 0), 200, True),
        ((1, 1, 1, 1, 0), 200, False),  # whichever recording: worse
        ((4, -3, 4, 0, 0), 200, False),  # may be chance, but 2.5 % of the words
        ((1, 1, 0, 0, 0), 20_000, True),  # 0.01 %
        ((40, 42, 45, 38), 20_000, False),  # 0.8 %
        ((40, -10, 45, 25), 20_000, True),  # 0.5 %
    ],
)
def test_what_chance_explains_is_no_failure(
    added_errors: tuple[int, ...], num_words: int, passes: bool
) -> None:
    before = num_words // 4
    after = before + sum(added_errors)
    found = replace(
        GOOD,
        keras_errors=ErrorCounts(hits=num_words - before, substitutions=before),
        file_errors=ErrorCounts(hits=num_words - after, substitutions=after),
        added_errors=added_errors,
    )
    assert (found.failures == []) == passes


def test_a_portable_file_without_variables_passes() -> None:
    good = replace(GOOD, file="model.portable.tflite", has_variables=False)
    assert good.failures == []
    assert "none: runs in every LiteRT runtime" in good.to_text()


def test_without_words_no_rate_is_shown() -> None:
    text = replace(GOOD, keras_errors=ErrorCounts(), file_errors=ErrorCounts(insertions=1))
    assert (
        "not measured: no words in 3 recordings; 0 inserted by Keras, 1 by this" in text.to_text()
    )


def test_quantised_log_probs_may_differ_while_words_do_not() -> None:
    assert replace(GOOD, quantization="int8", max_difference=0.4).failures == []


def test_a_lower_wer_is_no_failure() -> None:
    assert replace(GOOD, file_errors=ErrorCounts(hits=200)).failures == []


def test_the_table_shows_every_figure() -> None:
    text = GOOD.to_text()
    for figure in ("4.10 MB", "0.0067", "0.0001", "25.00%", "25.50%", "+0.50", "3 utterances"):
        assert figure in text
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM 6" in text


@pytest.mark.slow
def test_no_training_framework_can_be_imported_beside_the_bundle(tmp_path: Path) -> None:
    probe = Path(verification.__file__).with_name("probe.py")
    code = f"""
import runpy
probe = runpy.run_path({str(probe)!r})
try:
    probe["main"](*[__import__("pathlib").Path("missing")] * 3)
except Exception as error:
    print(type(error).__name__)
for framework in ("tensorflow", "keras"):
    try:
        __import__(framework)
    except ImportError:
        print("no", framework)
"""
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert process.stdout.split("\n")[:3] == ["BundleError", "no tensorflow", "no keras"]
