"""Plots as PNG files: features over time, and the metrics of a run. They need no display."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from speechlstm.config import FeatureConfig
from speechlstm.storage import write_atomically
from speechlstm.training.layers.mel import mel_edges

_TICKS_HZ = np.array([250, 500, 1000, 2000, 4000, 8000, 16000])


def plot_features(
    log_mels: NDArray[np.float32], features: NDArray[np.float32], config: FeatureConfig, path: Path
) -> None:
    """Plot the mel spectrogram of an utterance and, below it, its features.

    Args:
        log_mels: (num_frames, num_mels) in dB.
        features: (num_frames, num_features).
        config: The settings they were computed with.

    Raises:
        OSError: The file cannot be written.
    """
    figure = Figure(figsize=(10, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    # A frame is centred on its time, so the first pixel starts half a hop before 0.
    seconds = (np.array([0, len(features)]) - 0.5) * config.hop_ms / 1000

    image = above.imshow(
        log_mels.T, origin="lower", aspect="auto", extent=(*seconds, -0.5, config.num_mels - 0.5)
    )
    figure.colorbar(image, ax=above, label="dB")
    centres = mel_edges(config)[1:-1]
    ticks = _TICKS_HZ[(centres[0] <= _TICKS_HZ) & (centres[-1] >= _TICKS_HZ)]
    above.set_yticks(np.interp(ticks, centres, np.arange(config.num_mels)), ticks)
    above.set(title="Mel spectrogram", ylabel="Hz (mel scale)")

    # Each feature is scaled by its standard deviation: that of c0 exceeds all others.
    spread = features.std(axis=0)
    image = below.imshow(
        ((features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)).T,
        origin="lower",
        aspect="auto",
        extent=(*seconds, -0.5, config.num_features - 0.5),
        cmap="RdBu_r",
        vmin=-2.5,
        vmax=2.5,
        interpolation="nearest",
    )
    figure.colorbar(image, ax=below, label="Standard deviations")
    below.set(title=describe(config), xlabel="Seconds", ylabel="Feature")
    save_figure(figure, path)


def describe(config: FeatureConfig) -> str:
    """Describe the features in one line.

    >>> describe(FeatureConfig(deltas=2))
    '40 MFCC, Δ, ΔΔ, mean 0, variance 1'
    """
    items = [f"{config.num_mfcc} MFCC", *("Δ", "ΔΔ")[: config.deltas]]
    normalized = {
        "none": [],
        "mean": ["mean 0"],
        "mean_variance": ["mean 0", "variance 1"],
        "running": ["mean 0 and variance 1 so far"],
    }
    return ", ".join(items + normalized[config.normalize])


def plot_training(metrics: Path, path: Path) -> None:
    """Plot loss and error rates of a run by epoch; the best one, as `Run.rank` says, is marked.

    Args:
        metrics: A file with a line of JSON for each epoch: ``epoch``, ``loss``, ``valid_loss``,
            ``valid_wer`` and ``valid_cer``, the last two as fractions.
    """
    rows = _read_rows(metrics)
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_by_epoch(left, rows, {"training": "loss", "validation": "valid_loss"})
    left.set(title="Loss", ylabel="CTC loss")
    plot_by_epoch(right, rows, {"WER": "valid_wer", "CER": "valid_cer"}, percent=True)
    _mark(right, min(rows, key=itemgetter("valid_wer", "valid_cer")), "valid_wer", "best WER")
    right.set(title="Validation errors")
    _begin_at_zero(left, right)
    save_figure(figure, path)


def plot_accuracy(metrics: Path, path: Path) -> None:
    """Plot loss and accuracy of a classifier by epoch; the best, as its run ranks it, is marked.

    Args:
        metrics: A file with a line of JSON for each epoch: ``epoch``, ``loss``, ``valid_loss`` and
            ``valid_accuracy``, the last one as a fraction.
    """
    rows = _read_rows(metrics)
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_by_epoch(left, rows, {"training": "loss", "validation": "valid_loss"})
    left.set(title="Loss", ylabel="Cross-entropy")
    _begin_at_zero(left)
    plot_by_epoch(right, rows, {"validation": "valid_accuracy"}, percent=True)
    best = min(rows, key=lambda row: (-row["valid_accuracy"], row["valid_loss"]))
    _mark(right, best, "valid_accuracy", "best")
    right.set(title="Accuracy")
    save_figure(figure, path)


def _begin_at_zero(*plots: Any) -> None:
    for axes in plots:  # with room above: points that are nearly equal would lie on the frame
        axes.set(ylim=(0, 1.05 * axes.get_ylim()[1]))


def plot_perplexity(metrics: Path, path: Path) -> None:
    """Plot the perplexity of a language model by epoch, on a logarithmic scale.

    Args:
        metrics: A file with a line of JSON for each epoch: ``epoch``, ``perplexity`` and
            ``valid_perplexity``.
    """
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    keys = {"training": "perplexity", "validation": "valid_perplexity"}
    plot_by_epoch(axes, _read_rows(metrics), keys)
    axes.set(title="Perplexity", yscale="log")
    axes.grid(alpha=0.3, which="minor")
    save_figure(figure, path)


def plot_by_epoch(
    axes: Any, rows: Sequence[Mapping[str, Any]], keys: Mapping[str, str], percent: bool = False
) -> None:
    """Plot metrics by epoch.

    Args:
        rows: The metrics of each epoch, with its number, ``epoch``.
        keys: The key of each line by its name in the legend.
        percent: Whether they are fractions, to be shown in %.
    """
    for name, key in keys.items():
        values = [(100 if percent else 1) * row[key] for row in rows]
        axes.plot([row["epoch"] for row in rows], values, ".-", label=name)
    axes.set(xlabel="Epoch", ylabel="%" if percent else "")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    axes.legend()


def _mark(axes: Any, row: Mapping[str, Any], key: str, name: str) -> None:
    """Mark the best epoch of a fraction that is shown in %."""
    label = f"{name} {row[key]:.1%}"
    axes.plot(row["epoch"], 100 * row[key], "o", color="black", label=label)
    axes.legend()


def _read_rows(metrics: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=120)
    write_atomically(path, image.getvalue())
