"""A plot of the word error rate over the weight of the language model and the word bonus."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from speechlstm.storage import write_atomically

_SOFTWARE = "speechlstm tune"  # of the PNG files, by which they are known again
_HEAD = 1000  # bytes of a file that hold it


def plot_surface(path: Path, rates: Mapping[tuple[float, float], float]) -> None:
    """Plot word error rates into a PNG file.

    Args:
        rates: The WER of each (lm_weight, word_bonus) tried, at least one.
    """
    png = BytesIO()
    metadata = {"Software": _SOFTWARE}
    draw_surface(rates).savefig(png, format="png", dpi=120, metadata=metadata)
    write_atomically(path, png.getvalue())


def is_surface(path: Path) -> bool:
    """Whether a file is such a plot, which may be replaced by another.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return _SOFTWARE.encode() in file.read(_HEAD)


def draw_surface(rates: Mapping[tuple[float, float], float]) -> Any:
    """A matplotlib Figure of 7 by 5 inches with a labelled point for each trial, the lowest marked.

    Args:
        rates: The WER of each (lm_weight, word_bonus) tried, at least one.
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
