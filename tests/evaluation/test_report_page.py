"""The page of an evaluation: what it shows, what it holds back, what it does not run."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import Audio
from speechlstm.evaluation.conditions import Recordings, measure_conditions
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.evaluation.report_page import to_page

BAD = "<script>alert(1)</script>\x1b[31m"


@pytest.mark.parametrize(("level", "noise"), [(-20.0, -60.0), (-30.0, -45.0)])
def test_levels_are_those_of_the_signal(level: float, noise: float) -> None:
    generator = np.random.default_rng(0)
    samples = generator.normal(0, 10 ** (noise / 20), 48_000)
    samples[12_000:36_000] = generator.normal(0.01, 10 ** (level / 20), 24_000)  # with an offset
    found = measure_conditions(Audio.from_array(samples, 16_000))
    assert found.loudness_db == pytest.approx(level, abs=1)
    assert found.noise_db == pytest.approx(noise, abs=1)


def test_levels_of_silence_and_of_little_audio() -> None:
    assert measure_conditions(Audio(np.zeros(800, np.float32), 16_000)).noise_db == -90
    assert measure_conditions(Audio(np.zeros(100, np.float32), 16_000)).loudness_db == -90


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    generator = np.random.default_rng(0)
    sources = {}
    for n in range(20):
        path = tmp_path / f"{n}.wav"
        soundfile.write(path, generator.normal(0, 0.002 * (n + 1), 16_000), 16_000)
        sources[f"u{n}"] = path
    return Recordings.measure({**sources, "gone": tmp_path / "gone.wav"})


def scores() -> tuple[Score, ...]:
    return tuple(
        Score(
            f"u{n}",
            "yes two",
            f"yes {'too' if n % 4 else 'two'}",
            f"s{n % 2}",
            (0.9, 0.5),
            n + 1.0,
            0.5,
        )
        for n in range(20)
    )


@pytest.mark.slow
def test_a_page_has_charts_tables_and_players(recordings: Recordings) -> None:
    assert len(recordings.conditions) == 20
    document = to_page(EvaluationReport(scores()), "Evaluation", recordings, num_worst=10)
    for heading in ("Rates", "Where the errors are", "Confidences", "Confusions", "Speakers"):
        assert f"<h2>{heading}</h2>" in document
    for chart in ("duration", "loudness", "noise level"):
        assert f"<figcaption>WER by {chart}" in document
    assert document.count("<audio ") == 10
    assert "yes <del>two</del> <ins>too</ins>" in document
    assert '<td>too</td><td class="number" data-sort="15">15</td>' in document
    assert len(document) < 500_000


@pytest.mark.slow
def test_recordings_keep_to_the_budget(recordings: Recordings) -> None:
    report = EvaluationReport(scores())
    small = to_page(report, "t", recordings, num_worst=15, megabytes=0.02)
    assert 0 < small.count("<audio ") < 15
    assert f"{small.count('<audio ')} of 15 recordings fit into 0.02 MB" in small
    none = to_page(report, "t", recordings, num_worst=15, megabytes=0)
    assert "<audio " not in none
    assert len(small) - len(none) < 22_000


@pytest.mark.slow
def test_a_group_of_the_chart_has_the_wer_of_its_utterances(recordings: Recordings) -> None:
    document = to_page(EvaluationReport(scores()), "t", recordings)
    # Of u0 to u3, the shortest, three of eight words are wrong; of u4 to u7 as well.
    assert (
        '<th scope="row">1.0 to 4.0</th><td class="number" data-sort="0.375">38%</td>' in document
    )


def test_hostile_texts_stay_text() -> None:
    score = Score(BAD, f"a {BAD}", f"{BAD} b", BAD)
    report = EvaluationReport((score,), (BAD,), {BAD: BAD})
    document = to_page(report, BAD)
    assert "<script>alert" not in document
    assert "\x1b" not in document
    assert len(to_page(EvaluationReport((Score("x" * 200_000, "a", "b"),)), "t")) < 100_000


def test_texts_without_recordings_and_without_errors() -> None:
    document = to_page(EvaluationReport((Score("u1", "yes", "yes"),)), "t")
    assert "No errors." in document
    assert "<audio" not in document
    assert "<figure>" not in document
