"""Evaluation of a classifier: of how loud recordings are, and of scores made by hand."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from speechlstm.classification import Classifier
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import ManifestError
from speechlstm.evaluation.classification import (
    ClassificationReport,
    LabelScore,
    evaluate_classifier,
)
from speechlstm.evaluation.confusion_plot import draw_confusion
from speechlstm.evaluation.metrics import equal_error_rate

LOUDNESS = Path(__file__).parents[1] / "assets" / "loudness.tflite"
LOAD = partial(Classifier.load, LOUDNESS)


def report_of(pairs: list[tuple[str, str]], speakers: int = 0) -> ClassificationReport:
    scores = (
        LabelScore(f"{i}", *pair, 0.5, f"s{i % speakers}" if speakers else None)
        for i, pair in enumerate(pairs)
    )
    return ClassificationReport(("a", "b", "c"), tuple(scores))


def test_counts_accuracy_recall_and_confusions() -> None:
    report = report_of([("a", "a")] * 6 + [("a", "b")] * 2 + [("b", "b")] * 2)
    assert report.accuracy == 0.8
    assert report.mean_recall == pytest.approx((6 / 8 + 1) / 2)  # c does not occur
    assert report.confusion.tolist() == [[6, 2, 0], [0, 2, 0], [0, 0, 0]]
    lines = report.to_text().splitlines()
    assert lines[0].startswith("Accuracy 80.00% (95 % interval ")
    assert lines[-1] == "   2  a -> b"
    assert report.to_dict()["confusion"] == report.confusion.tolist()


def test_the_most_certain_errors_are_listed_first() -> None:
    scores = [
        LabelScore("a", "soft", "loud", 0.6),
        LabelScore("b", "soft", "loud", 0.9),
        LabelScore("c", "soft", "soft", 0.99),
        LabelScore("d", "loud", "soft", 0.7),
    ]
    report = ClassificationReport(("soft", "loud"), tuple(scores))
    assert report.to_text(2).splitlines()[-3:] == [
        "Most certain errors (probability, utterance, label -> class):",
        "0.900  b: soft -> loud",
        "0.700  d: loud -> soft",
    ]
    assert "Most certain" not in report.to_text(0)
    assert "Most certain" not in ClassificationReport(("soft", "loud"), (scores[2],)).to_text(5)


def test_the_interval_is_near_that_of_the_normal_distribution() -> None:
    report = report_of([("a", "a")] * 360 + [("a", "b")] * 40)
    low, high = report.interval or (0, 0)
    margin = 1.96 * np.sqrt(0.9 * 0.1 / 400)
    assert (low, high) == pytest.approx((0.9 - margin, 0.9 + margin), abs=0.005)


def test_the_interval_resamples_speakers_if_there_are_many() -> None:
    pairs = [("a", "a" if i % 20 < 18 else "b") for i in range(400)]  # two of 20 are always wrong
    alone, together = (report_of(pairs, speakers).interval or (0, 0) for speakers in (0, 20))
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])
    assert report_of([("a", "a")]).interval is None


@pytest.fixture
def write_list(tmp_path: Path) -> Callable[..., Path]:
    def write(*levels: float, **fields: Any) -> Path:
        utterances = []
        for i, level in enumerate(levels):
            soundfile.write(tmp_path / f"{i}.wav", level * np.tile([1, -1], 4000), 16000)
            utterances.append(Utterance(f"u{i}", f"{i}.wav", 0.5, **fields))
        write_manifest(tmp_path / "list.jsonl", utterances)
        return tmp_path / "list.jsonl"

    return write


def test_classifies_the_utterances_of_a_manifest(write_list: Callable[..., Path]) -> None:
    report = evaluate_classifier(LOAD, Manifest(write_list(0.1, 0.3, 0.31, label="medium")))
    assert [score.hypothesis for score in report.scores] == ["soft", "medium", "medium"]
    assert (report.accuracy, report.audio_seconds) == (pytest.approx(2 / 3), 1.5)


def test_another_field_may_have_the_labels(write_list: Callable[..., Path]) -> None:
    path = write_list(0.1, text="Soft", label="x")
    assert evaluate_classifier(LOAD, Manifest(path), "text").accuracy == 1


def test_a_recording_that_cannot_be_read_is_a_failure(write_list: Callable[..., Path]) -> None:
    path = write_list(0.1, 0.3, label="soft")
    (path.parent / "1.wav").write_bytes(b"no sound")
    report = evaluate_classifier(LOAD, Manifest(path))
    assert ([score.id for score in report.scores], [*report.failures]) == (["u0"], ["u1"])
    (path.parent / "0.wav").write_bytes(b"no sound")
    with pytest.raises(ManifestError, match="no utterance could be classified"):
        evaluate_classifier(LOAD, Manifest(path))


def test_missing_and_unknown_labels_are_errors(write_list: Callable[..., Path]) -> None:
    with pytest.raises(ManifestError, match="'u0' has no label; name the field"):
        evaluate_classifier(LOAD, Manifest(write_list(0.1, speaker="anna")))
    with pytest.raises(ManifestError, match="the label 'shrill' of 'u0' is none of the 3 classes"):
        evaluate_classifier(LOAD, Manifest(write_list(0.1, label="shrill")))


def test_the_picture_has_the_counts_of_the_confusions() -> None:
    figure = draw_confusion(np.array([[6, 2], [0, 2]]), ["$a", "b"])
    (axes,) = figure.axes
    assert {(*text.get_position(), text.get_text()) for text in axes.texts} == {
        (0, 0, "6"), (1, 0, "2"), (1, 1, "2"),
    }  # fmt: skip
    assert axes.get_title() == "Accuracy 80.0%"
    figure.canvas.draw()  # names are no formulas


def test_equal_error_rate_of_normal_scores() -> None:
    generator = np.random.default_rng(1)
    rate, threshold = equal_error_rate(generator.normal(2, 1, 20000), generator.normal(0, 1, 50000))
    assert rate == pytest.approx(0.1587, abs=0.005)  # of one standard deviation
    assert threshold == pytest.approx(1, abs=0.05)


def test_equal_error_rate_at_its_ends() -> None:
    assert equal_error_rate([0.9, 0.8], [0.1, 0.2])[0] == 0
    assert equal_error_rate([0.1], [0.9])[0] == 1
    assert equal_error_rate([0.5], [0.5])[0] == 0.5
    with pytest.raises(ValueError, match="has 0 and 1"):
        equal_error_rate([], [0.5])
