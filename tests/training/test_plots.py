import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.config import FeatureConfig
from speechlstm.training import plots

pytestmark = pytest.mark.slow


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that are saved."""
    from matplotlib.figure import Figure

    saved: list[Any] = []
    save = Figure.savefig

    def record(figure: Any, *args: object, **kwargs: object) -> None:
        saved.append(figure)
        save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", record)
    return saved


def test_features_are_drawn_over_seconds(tmp_path: Path, figures: list[Any]) -> None:
    generator = np.random.default_rng(1)
    config = FeatureConfig(num_mels=30, num_mfcc=13, deltas=1, normalize="none")
    log_mels = generator.normal(-40, 10, (200, 30)).astype(np.float32)
    features = generator.normal(0, 50, (200, 26)).astype(np.float32)
    features[:, 3] = 7  # constant, as in silence
    plots.plot_features(log_mels, features, config, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    above, below = figures[0].axes[:2]
    np.testing.assert_array_equal(above.images[0].get_array(), log_mels.T)
    assert below.images[0].get_array().shape == (26, 200)
    assert not below.images[0].get_array()[3].any()
    assert below.get_xlim() == pytest.approx((-0.005, 1.995))
    assert below.get_title() == "13 MFCC, Δ"


def test_mel_ticks_stand_at_their_filters(tmp_path: Path, figures: list[Any]) -> None:
    # Telephone band: half the ticks are out of range, and 1 kHz lies where librosa puts it.
    import librosa

    config = FeatureConfig(sample_rate=8000, high_hz=4000, low_hz=300, num_mfcc=13)
    frames = np.zeros((10, 40), np.float32)
    plots.plot_features(frames, frames[:, :13], config, tmp_path / "x.png")
    axes = figures[0].axes[0]
    ticks = dict(
        zip((t.get_text() for t in axes.get_yticklabels()), axes.get_yticks(), strict=True)
    )
    assert list(ticks) == ["500", "1000", "2000"]
    centres = librosa.mel_frequencies(42, fmin=300, fmax=4000)[1:-1]
    filter_index = round(float(ticks["1000"]))
    assert np.abs(centres - 1000).argmin() == filter_index


def test_training_curves(tmp_path: Path, figures: list[Any]) -> None:
    rows = [
        {"epoch": 1, "loss": 200.0, "valid_loss": 210.0, "valid_wer": 1.2, "valid_cer": 0.9},
        {"epoch": 2, "loss": 150.0, "valid_loss": 160.0, "valid_wer": 0.25, "valid_cer": 0.1},
        {"epoch": 3, "loss": 120.0, "valid_loss": 170.0, "valid_wer": 0.5, "valid_cer": 0.2},
    ]
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plots.plot_training(metrics, tmp_path / "run.png")
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    drawn = {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for axes in figures[0].axes
        for line in axes.lines
    }
    assert drawn == {
        "training": ([1, 2, 3], [200, 150, 120]),
        "validation": ([1, 2, 3], [210, 160, 170]),
        "WER": ([1, 2, 3], [120, 25, 50]),
        "CER": ([1, 2, 3], [90, 10, 20]),
        "best WER 25.0%": ([2], [25]),
    }


def test_of_equally_good_epochs_the_one_that_is_exported_is_marked(
    tmp_path: Path, figures: list[Any]
) -> None:
    rows = [
        {"epoch": n, "loss": 1.0, "valid_loss": rate, "valid_wer": 1.0, "valid_cer": rate,
         "valid_accuracy": 0.2} for n, rate in enumerate((0.9, 0.7, 0.8), start=1)
    ]  # fmt: skip
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plots.plot_training(metrics, tmp_path / "run.png")
    plots.plot_accuracy(metrics, tmp_path / "run.png")
    for figure in figures:
        marked = next(line for line in figure.axes[1].lines if line.get_label()[:4] == "best")
        assert list(marked.get_xdata()) == [2]


@pytest.mark.parametrize("num_epochs", [1, 2, 40])
def test_epochs_are_whole(tmp_path: Path, figures: list[Any], num_epochs: int) -> None:
    rows = [
        {"epoch": n, "loss": 1.0, "valid_loss": 1.0, "valid_wer": 1.0, "valid_cer": 1.0}
        for n in range(1, num_epochs + 1)
    ]
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plots.plot_training(metrics, tmp_path / "run.png")
    for axes in figures[0].axes:
        assert all(tick == int(tick) for tick in axes.get_xticks())


def test_no_point_lies_on_the_frame(tmp_path: Path, figures: list[Any]) -> None:
    rows = [
        {"epoch": n, "loss": 160.0, "valid_loss": 175.0, "valid_wer": 1.0, "valid_cer": 1.0,
         "valid_accuracy": 1.0} for n in (1, 2)
    ]  # fmt: skip
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plots.plot_training(metrics, tmp_path / "run.png")
    plots.plot_accuracy(metrics, tmp_path / "run.png")
    for axes in (axes for figure in figures for axes in figure.axes):
        assert axes.get_ylim()[1] > 1.02 * max(max(line.get_ydata()) for line in axes.lines)
