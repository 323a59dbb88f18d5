"""Word error rates over the weights of language model and words, from n-best lists.

Hypotheses keep their acoustic and language model scores however these are weighed. So weights can
be tried on n-best lists, without decoding anew. (Och, "Minimum error rate training in statistical
machine translation", ACL 2003, with a grid in place of his line search: there are two weights.)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.metrics import word_errors
from speechlstm.storage import write_atomically
from speechlstm.text import normalize

LM_WEIGHTS = np.linspace(0, 3, 31).round(2)
WORD_BONUSES = np.linspace(-2, 4, 25).round(2)


class HypothesisPool:
    """Every hypothesis of an utterance that was seen.

    Args:
        reference: What was said, normalised.
    """

    def __init__(self, reference: str) -> None:
        self.reference = reference
        self._rows: dict[str, tuple[float, ...]] = {}  # by text

    def add(self, hypotheses: Iterable[BeamHypothesis]) -> int:
        """Add hypotheses; how many of them are new."""
        num_before = len(self._rows)
        for h in hypotheses:
            if h.text not in self._rows:
                num_errors = word_errors(self.reference, normalize(h.text)).num_errors
                row = (h.log_prob, h.lm_log_prob, len(h.text.split()), num_errors)
                self._rows[h.text] = row
        return len(self._rows) - num_before

    def errors(self) -> NDArray[np.float64]:
        """(len(LM_WEIGHTS), len(WORD_BONUSES)), of the hypothesis that would be the best."""
        log_prob, lm_log_prob, num_words, num_errors = np.array(list(self._rows.values())).T
        lm_part = LM_WEIGHTS[:, np.newaxis, np.newaxis] * lm_log_prob
        scores = log_prob + lm_part + WORD_BONUSES[:, np.newaxis] * num_words
        best: NDArray[np.float64] = num_errors[scores.argmax(axis=-1)]
        return best


@dataclass(frozen=True)
class WERSurface:
    """Word error rates over the weights.

    Attributes:
        rates: (len(LM_WEIGHTS), len(WORD_BONUSES)).
    """

    rates: NDArray[np.float64]

    @property
    def lowest(self) -> tuple[float, float]:
        """LM weight and word bonus where it is lowest, by the mean over a point and those around.

        A single low point would be one of chance.
        """
        padded = np.pad(self.rates, 1, mode="edge")
        around = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
        row, column = np.unravel_index(around.mean(axis=(2, 3)).argmin(), self.rates.shape)
        return float(LM_WEIGHTS[row]), float(WORD_BONUSES[column])

    def plot(self, path: Path, chosen: tuple[float, float]) -> None:
        """Draw it as a heat map.

        Args:
            path: The PNG file to write.
            chosen: LM weight and word bonus to mark.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 5), layout="constrained")
        axes = figure.subplots()
        percent = 100 * self.rates.T
        worst = max(2 * percent.min(), 1)  # beyond twice the lowest rate all is equally bad
        image = axes.pcolormesh(LM_WEIGHTS, WORD_BONUSES, percent, vmax=worst, cmap="viridis_r")
        figure.colorbar(image, ax=axes, label="WER in %", extend="max")
        axes.plot(*chosen, "o", color="white", markeredgecolor="black")
        axes.set(title="WER, expected from n-best lists", xlabel="lm_weight", ylabel="word_bonus")
        png = BytesIO()
        figure.savefig(png, format="png", dpi=120)
        write_atomically(path, png.getvalue())


def estimate_surface(pools: Sequence[HypothesisPool]) -> WERSurface:
    """The surface of several utterances, each with at least one hypothesis."""
    num_words = sum(len(pool.reference.split()) for pool in pools)
    return WERSurface(np.sum([pool.errors() for pool in pools], axis=0) / max(1, num_words))
