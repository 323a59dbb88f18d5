"""What an adaptation has learnt, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from speechlstm.evaluation.report import EvaluationReport
from speechlstm.training.adaptation.comparison import Comparison
from speechlstm.training.plots import plot_by_epoch, save_figure


def plot_adaptation(rows: Sequence[Mapping[str, Any]], comparison: Comparison, path: Path) -> None:
    """Draw errors by epoch, and those before and after with their intervals.

    Args:
        rows: Metrics of each epoch, with ``epoch``, ``valid_wer`` and ``valid_cer``.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_by_epoch(left, rows, {"WER": "valid_wer", "CER": "valid_cer"}, percent=True)
    left.set(title="Network alone, held-out recordings", ylim=(0, None))
    bars = [
        (name, report, rate)
        for rate in ("wer", "cer")
        for name, report in (("before", comparison.before), ("after", comparison.after))
        if report
    ]
    names = []
    for place, (name, report, rate) in enumerate(bars):
        value = 100 * getattr(report, rate)
        color = "tab:gray" if name == "before" else "tab:blue"
        right.bar(place, value, yerr=_error_bar(report, rate), capsize=4, color=color)
        names.append(f"{rate.upper()}\n{name}\n{value:.1f} %")
    right.set_xticks(range(len(bars)), names)
    right.set(title="With lexicon and language models", ylabel="%", ylim=(0, None))
    right.grid(alpha=0.3, axis="y")
    save_figure(figure, path)


def _error_bar(report: EvaluationReport, rate: str) -> list[list[float]] | None:
    interval = getattr(report, f"{rate}_interval")
    if not interval:
        return None
    value = getattr(report, rate)
    return [[max(0.0, 100 * (value - interval[0]))], [max(0.0, 100 * (interval[1] - value))]]
