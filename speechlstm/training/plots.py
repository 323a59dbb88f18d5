"""Plots as PNG files: features over time, and the metrics of a run. They need no display."""

import json
from io import BytesIO
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
    """Plot loss and error rates of a run by epoch; the epoch with the lowest WER is marked.

    Args:
        metrics: A file with a line of JSON for each epoch: ``epoch``, ``loss``, ``valid_loss``,
            ``valid_wer`` and ``valid_cer``, the last two as fractions.
    """
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    values = {
        key: np.array([row[key] for row in rows])
        for key in ("epoch", "loss", "valid_loss", "valid_wer", "valid_cer")
    }
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(values["epoch"], values["loss"], ".-", label="training")
    left.plot(values["epoch"], values["valid_loss"], ".-", label="validation")
    left.set(title="Loss", ylabel="CTC loss")
    right.plot(values["epoch"], 100 * values["valid_wer"], ".-", label="WER")
    right.plot(values["epoch"], 100 * values["valid_cer"], ".-", label="CER")
    right.set(title="Validation errors", ylabel="%")
    best = np.argmin(values["valid_wer"])
    wer, epoch = values["valid_wer"][best], values["epoch"][best]
    right.plot(epoch, 100 * wer, "o", color="black", label=f"best WER {wer:.1%}")
    for axes in (left, right):
        axes.set(ylim=(0, None))
    _finish_epochs(left, right)
    save_figure(figure, path)


def plot_accuracy(metrics: Path, path: Path) -> None:
    """Plot loss and accuracy of a classifier by epoch; the epoch with the highest is marked.

    Args:
        metrics: A file with a line of JSON for each epoch: ``epoch``, ``loss``, ``valid_loss`` and
            ``valid_accuracy``, the last one as a fraction.
    """
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    epochs = [row["epoch"] for row in rows]
    accuracy = [row["valid_accuracy"] for row in rows]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(epochs, [row["loss"] for row in rows], ".-", label="training")
    left.plot(epochs, [row["valid_loss"] for row in rows], ".-", label="validation")
    left.set(title="Loss", ylabel="Cross-entropy", ylim=(0, None))
    right.plot(epochs, [100 * value for value in accuracy], ".-", label="validation")
    best = int(np.argmax(accuracy))
    label = f"best {accuracy[best]:.1%}"
    right.plot(epochs[best], 100 * accuracy[best], "o", color="black", label=label)
    right.set(title="Accuracy", ylabel="%")
    _finish_epochs(left, right)
    save_figure(figure, path)


def _finish_epochs(*plots: Any) -> None:
    """Label the epochs of plots, and show grid and legend."""
    for axes in plots:
        axes.set(xlabel="Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()


def plot_perplexity(metrics: Path, path: Path) -> None:
    """Plot the perplexity of a language model by epoch, on a logarithmic scale.

    Args:
        metrics: A file with a line of JSON for each epoch: ``epoch``, ``perplexity`` and
            ``valid_perplexity``.
    """
    rows = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.subplots()
    epochs = [row["epoch"] for row in rows]
    axes.semilogy(epochs, [row["perplexity"] for row in rows], ".-", label="training")
    axes.semilogy(epochs, [row["valid_perplexity"] for row in rows], ".-", label="validation")
    axes.set(title="Perplexity", xlabel="Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    save_figure(figure, path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=120)
    write_atomically(path, image.getvalue())
