"""A picture of a confusion matrix."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.storage import write_atomically

_MOST_NUMBERS = 40  # classes; with more, the numbers in the cells would be too small


def plot_confusion(path: Path, confusion: NDArray[np.int64], classes: Sequence[str]) -> None:
    """Plot a confusion matrix into a PNG file.

    Args:
        confusion: The number of utterances by label (row) and class (column).
    """
    png = BytesIO()
    draw_confusion(confusion, classes).savefig(png, format="png", dpi=120)
    write_atomically(path, png.getvalue())


def draw_confusion(confusion: NDArray[np.int64], classes: Sequence[str]) -> Any:
    """A matplotlib Figure: the share of each row in its cells, by colour, and the numbers in them.

    Args:
        confusion: (num_classes, num_classes), as for plot_confusion.
    """
    from matplotlib.figure import Figure

    size = min(max(4.0, 0.28 * len(classes) + 1.5), 20.0)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(confusion) if len(classes) <= _MOST_NUMBERS else ():
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(
            column, row, confusion[row, column], ha="center", va="center", size=6, color=colour
        )
    places = np.arange(len(classes))
    axes.set_xticks(places, classes, rotation=90, size=7, parse_math=False)
    axes.set_yticks(places, classes, size=7, parse_math=False)
    accuracy = np.trace(confusion) / max(confusion.sum(), 1)
    axes.set(xlabel="Class", ylabel="Label", title=f"Accuracy {accuracy:.1%}")
    return figure
