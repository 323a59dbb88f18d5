"""An explanation as a picture; needs matplotlib."""

from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from speechlstm.explain.cells import DirectionActivity
from speechlstm.explain.explanation import Explanation, Head, typical_units

_CONFIDENCE = colormaps["RdYlGn"]
_INCHES = 0.55  # of width for a second
_Panel = tuple[float, Callable[[Any], None]]  # height in inches, and what draws it


def draw(explanation: Explanation, num_units: int = 5) -> bytes:
    """Draw all that is known over time.

    Args:
        num_units: The units of each layer and direction whose gates are drawn.

    Returns:
        The content of a PNG file.
    """
    panels = list(_panels(explanation, num_units))
    width = min(40.0, max(11.0, _INCHES * explanation.audio.duration + 3))
    heights = [height for height, _ in panels]
    figure = Figure(figsize=(width, sum(heights) + 0.5), layout="constrained")
    axes = figure.subplots(
        len(panels), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": heights}
    )[:, 0]
    for (_, fill), ax in zip(panels, axes, strict=True):
        fill(ax)
    axes[0].set_xlim(explanation.start, explanation.end)
    axes[-1].set_xlabel("Seconds")
    image = BytesIO()
    figure.savefig(image, format="png", dpi=100)
    return image.getvalue()


def _panels(explanation: Explanation, num_units: int) -> Iterator[_Panel]:
    hop = explanation.spec.features.hop_ms / 1000
    decibels, features = explanation.spectrogram, explanation.features
    kilohertz = explanation.audio.sample_rate / 2000
    extent = _extent(explanation, hop, len(decibels), kilohertz)
    yield 1.5, partial(_waveform, explanation=explanation)
    yield 1.5, partial(_image, values=decibels, extent=extent, title="Spectrogram", label="kHz")
    if features is not None:
        scaled = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-6)
        yield (
            1.3,
            partial(
                _image,
                values=scaled,
                extent=_extent(explanation, hop, len(features), features.shape[1]),
                title="MFCC, in standard deviations",
                label="Coefficient",
                colors="RdBu_r",
                limits=(-2.5, 2.5),
            ),
        )
    for saliency in explanation.saliency:
        scaled = saliency.scaled
        yield (
            1.3,
            partial(
                _image,
                values=scaled,
                extent=_extent(explanation, hop, len(scaled), scaled.shape[1]),
                title=f'What "{saliency.word.text}" depends on: louder, more (red) or less '
                "(blue) likely",
                label="Mel filter",
                colors="RdBu_r",
                limits=(-1, 1),
            ),
        )
    for head in explanation.heads:
        height = 0.6 + 0.085 * head.alphabet.num_labels
        yield height, partial(_posteriors, explanation=explanation, head=head)
    for number, layer in enumerate(explanation.layers if num_units else (), 1):
        height = 0.5 + 0.035 * len(layer) * num_units * (len(layer[0].gates) + 1)
        yield (
            height,
            partial(
                _gates, explanation=explanation, layer=layer, number=number, num_units=num_units
            ),
        )


def _extent(
    explanation: Explanation, step: float, num_steps: int, top: float
) -> tuple[float, float, float, float]:
    """The edges of an image; a frame is centred on its time."""
    start = explanation.start - step / 2
    return start, start + num_steps * step, 0.0, top


def _waveform(ax: Any, explanation: Explanation) -> None:
    samples = explanation.audio.samples
    seconds = explanation.start + np.arange(len(samples)) / explanation.audio.sample_rate
    peak = max(float(np.abs(samples).max()), 1e-3)
    ax.plot(seconds, samples, color="0.25", linewidth=0.4)
    for explained in explanation.words:
        word = explained.word
        color = _CONFIDENCE(word.confidence)
        ax.axvspan(word.start, word.end, color=color, alpha=0.35, linewidth=0)
        middle = (word.start + word.end) / 2
        others = [other.text or "(nothing)" for other in explained.runners_up[:2]]
        ax.text(middle, 1.1 * peak, word.text, ha="center", va="bottom", fontsize=8)
        ax.text(
            middle, -1.15 * peak, "\n".join(others), ha="center", va="top", fontsize=6, color="0.4"
        )
    ax.set(ylim=(-2.0 * peak, 1.5 * peak), yticks=[])
    ax.set_title("Words, coloured by confidence; below, what competed", fontsize=9, loc="left")


def _image(
    ax: Any,
    values: NDArray[np.float32],
    extent: tuple[float, float, float, float],
    title: str,
    label: str,
    colors: str = "magma",
    limits: tuple[float | None, float | None] = (None, None),
) -> None:
    """Draw values (num_steps, num_rows), with row 0 at the bottom."""
    ax.imshow(
        values.T,
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap=colors,
        norm=Normalize(*limits),
        interpolation="nearest",
    )
    ax.set_title(title, fontsize=9, loc="left")
    ax.set_ylabel(label, fontsize=8)
    ax.tick_params(labelsize=7)


def _posteriors(ax: Any, explanation: Explanation, head: Head) -> None:
    step, num_labels = explanation.frame_seconds, head.alphabet.num_labels
    extent = _extent(explanation, step, len(head.log_probs), num_labels)
    title = f"Posteriors of {head.name}, and the alignment of the recognised text"
    if head.reference_path:
        title += " (white) and of the reference (cyan)"
    _image(ax, np.exp(head.log_probs), extent, title, "", "magma", (0, 1))
    for path, color in ((head.path, "white"), (head.reference_path, "cyan")):
        for emission in path:
            left = extent[0] + emission.start * step
            right = extent[0] + emission.stop * step
            rows = emission.label + np.array([0, 0, 1, 1, 0])
            ax.plot([left, right, right, left, left], rows, color=color, linewidth=0.6)
    ax.set_yticks(np.arange(num_labels) + 0.5, [head.symbol(k) for k in range(num_labels)])
    ax.tick_params(axis="y", labelsize=5, length=0)


def _gates(
    ax: Any,
    explanation: Explanation,
    layer: tuple[DirectionActivity, ...],
    number: int,
    num_units: int,
) -> None:
    """The gates of some units as rows of an image, from 0 (dark) to 1, and their memory."""
    names = [*layer[0].gates, "cell" if explanation.spec.network.cell == "lstm" else "output"]
    rows = []
    for name in names:
        for direction in layer:
            units = typical_units(direction, num_units)
            shown = direction.gates.get(name)
            # A memory is drawn as its distance from 0: 0.5 is the mean.
            values = (1 + np.tanh(direction.memory)) / 2 if shown is None else shown
            rows += [values[:, unit] for unit in units]
    step = explanation.frame_seconds
    extent = _extent(explanation, step, len(rows[0]), len(rows))
    directions = "forward above backward" if len(layer) == 2 else "forward"
    title = f"Layer {number}: {directions}, each from units that forget (top) to units that keep"
    _image(ax, np.stack(rows[::-1], axis=1), extent, title, "", "viridis", (0, 1))
    size = len(rows) // len(names)
    ax.set_yticks([(len(names) - k - 0.5) * size for k in range(len(names))], names)
    for edge in range(1, len(names)):
        ax.axhline(edge * size, color="white", linewidth=0.8)
