"""Word error rates over the weights of language model and words, drawn."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from speechlstm.storage import write_atomically


def plot_surface(path: Path, rates: Mapping[tuple[float, float], float]) -> None:
    """Draw what was measured into a PNG file.

    Args:
        path: The file to write.
        rates: WER of each (lm_weight, word_bonus) that was tried, at least one.
    """
    png = BytesIO()
    draw_surface(rates).savefig(png, format="png", dpi=120)
    write_atomically(path, png.getvalue())


def draw_surface(rates: Mapping[tuple[float, float], float]) -> Any:
    """A matplotlib Figure of 7 by 5 inches: a point a trial, its WER in it, the lowest marked.

    Args:
        rates: WER of each (lm_weight, word_bonus) that was tried, at least one.
    """
    from matplotlib.figure import Figure

    lm_weights, word_bonuses = zip(*rates, strict=True)
    percent = [100 * rate for rate in rates.values()]
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    points = axes.scatter(lm_weights, word_bonuses, s=700, c=percent, cmap="viridis_r")
    for lm_weight, word_bonus, value in zip(lm_weights, word_bonuses, percent, strict=True):
        axes.annotate(f"{value:.1f}", (lm_weight, word_bonus), ha="center", va="center")
    lowest = min(rates, key=lambda weights: rates[weights])
    axes.scatter(*lowest, s=900, facecolors="none", edgecolors="black", label="chosen")
    figure.colorbar(points, ax=axes, label="WER in %")
    axes.margins(0.15)
    axes.set(title="WER by weights", xlabel="lm_weight", ylabel="word_bonus")
    return figure
