"""Goodness of pronunciation (GOP): how well each label of a known text fits what is heard.

A label's goodness is the probability that it, and no other label or none, stands in its place,
given the labels around it: the likelihood of the text, by all CTC paths, divided by the sum of
those of the texts in which any label, or none, is in that place. Because it sums over all paths, it
needs no alignment, and does not suffer from CTC's posteriors being peaks of one frame.

Sources: Witt and Young, "Phone-level pronunciation scoring and assessment for interactive language
learning", Speech Communication 30 (2000), for the goodness; Cao et al., "A framework for
phoneme-level pronunciation assessment using CTC", Interspeech 2024, for this ratio (GOP-CTC-AF-SD).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.likelihood import forward
from speechlstm.decoding.log_probs import floored
from speechlstm.errors import InfeasibleTargetError
from speechlstm.text.alphabet import BLANK
from speechlstm.text.targets import min_steps

Logs = NDArray[np.float64]


def goodness(
    log_probs: NDArray[np.float32], labels: Sequence[int], where: str = "pronunciation"
) -> NDArray[np.float64]:
    """The probability of each label in the place of each label of a text.

    >>> log_probs = np.log([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.2, 0.7]])
    >>> goodness(log_probs.astype(np.float32), [1, 2]).round(2).tolist()
    [[0.11, 0.81, 0.08], [0.13, 0.16, 0.71]]

    Args:
        log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
        labels: The labels of the text, each in 1..num_labels - 1, at least one.
        where: The name of the recording, for errors.

    Returns:
        (len(labels), num_labels): column 0, the blank's, has the probability that none is there.
        Rows sum to 1.

    Raises:
        InfeasibleTargetError: The labels need more frames than there are.
    """
    if (num_needed := min_steps(labels)) > len(log_probs):
        raise InfeasibleTargetError(where, num_needed, len(log_probs))
    emissions = floored(log_probs).astype(np.float64)
    text = np.array(labels)
    before = forward(emissions, labels)
    # The same from the end.
    after = forward(emissions[::-1], labels[::-1])[::-1, ::-1]
    places = _Places(emissions, text, before, after)
    scores = np.concatenate((places.deleted()[:, None], places.substituted()), axis=1)
    totals = np.logaddexp.reduce(scores, axis=1, keepdims=True)
    probs: NDArray[np.float64] = np.exp(scores - totals)
    return probs


class _Places:
    """The likelihoods of texts that differ in one place.

    Args:
        emissions: (num_frames, num_labels).
        text: The labels.
        forward: See `forward`.
        backward: The same from the end: of all paths from a state at a frame to the end, the
            emission included.
    """

    def __init__(
        self, emissions: Logs, text: NDArray[np.intp], forward: Logs, backward: Logs
    ) -> None:
        self._emissions, self._text = emissions, text
        num_frames, size = len(emissions), len(text)
        # What is before each place and after a frame; a place has the blank before it, and the
        # label before that, if there is one.
        never = np.full((num_frames, 1), -np.inf)
        self._blank_before = forward[:, 0:-1:2]
        self._label_before = np.concatenate((never, forward[:, 1:-2:2]), axis=1)
        self._blank_after = backward[:, 2::2]
        self._label_after = np.concatenate((backward[:, 3::2], never), axis=1)
        self._before = np.concatenate(([BLANK], text[:-1]))  # a blank differs from all labels
        self._after = np.concatenate((text[1:], [BLANK]))
        self._shape = size, emissions.shape[1] - 1

    def substituted(self) -> Logs:
        """(len(text), num_labels - 1): with each label in each place."""
        labels = np.arange(1, self._emissions.shape[1])
        # -inf where a label cannot follow its like without a blank between them
        repeats_before = np.where(self._before[:, None] == labels, -np.inf, 0.0)
        repeats_after = np.where(self._after[:, None] == labels, -np.inf, 0.0)
        inside = np.full(self._shape, -np.inf)  # of paths that emit the label at this frame
        total = np.full(self._shape, -np.inf)
        last_frame = len(self._emissions) - 1
        for frame, row in enumerate(self._emissions):
            if frame:
                inside = np.logaddexp(inside, self._blank_before[frame - 1][:, None])
                label = self._label_before[frame - 1][:, None] + repeats_before
                inside = np.logaddexp(inside, label)
            else:
                inside[0] = 0.0
            inside = inside + row[1:]
            if frame < last_frame:
                leaving = np.logaddexp(
                    self._blank_after[frame + 1][:, None],
                    self._label_after[frame + 1][:, None] + repeats_after,
                )
                total = np.logaddexp(total, inside + leaving)
            else:
                total[-1] = np.logaddexp(total[-1], inside[-1])
        return np.asarray(total)

    def deleted(self) -> Logs:
        """(len(text),): without the label in each place."""
        size = len(self._text)
        differs = np.where(self._before == self._after, -np.inf, 0.0)
        before = np.logaddexp(self._blank_before, self._label_before + differs)
        through = before[:-1] + self._label_after[1:]
        total = np.logaddexp.reduce(through, axis=0, initial=-np.inf)
        if size == 1:
            return np.array([self._blank_before[-1, 0]])
        total[0] = np.logaddexp(total[0], self._label_after[0, 0])
        total[-1] = np.logaddexp(self._blank_before[-1, -1], self._label_before[-1, -1])
        return np.asarray(total)
