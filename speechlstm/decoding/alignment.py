"""Forced alignment: the frames in which the words of a known text are spoken.

Viterbi search over CTC's states (see ctc_states):
Graves et al., "Connectionist temporal classification", ICML 2006, section 4.1, with the maximum in
place of each sum.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.likelihood import ctc_states
from speechlstm.decoding.log_probs import floored
from speechlstm.decoding.timed_words import Emission, timed_word
from speechlstm.errors import InfeasibleTargetError
from speechlstm.text.alphabet import BLANK
from speechlstm.text.targets import min_steps
from speechlstm.transcript import Hypothesis

# The number of moves in memory, one byte each. Those of an hour would take ten gigabytes; beyond
# this limit they are recomputed block by block, from the scores at the start of each block.
_MAX_MOVES = 1 << 26

# Of a frame in which something else is spoken than the text, natural logarithms: before its first
# and after its last word, and between words. The former is lower, so that a text that is part of
# what is spoken stays together.
_COST_OUTSIDE, _COST_BETWEEN = 0.3, 2.0

_Scores = NDArray[np.float64]


def align(
    log_probs: NDArray[np.float32],
    labels: Sequence[int],
    where: str = "alignment",
    space: int | None = None,
) -> list[tuple[int, int]]:
    """The frames that emit each label, on the most probable path that emits all of them in order.

    >>> log_probs = np.log([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    >>> align(log_probs.astype(np.float32), [1, 2])
    [(0, 1), (2, 3)]

    Args:
        log_probs: (num_frames, num_labels), natural logarithms; label 0 is the blank.
        labels: The labels of the text, each in 1..num_labels - 1.
        where: The name of the recording, for errors.
        space: The label between words, where more may be spoken than the text has: before, after
            and between words. None: nothing else is spoken.

    Returns:
        For each label its first frame, and the frame after its last one. Other frames are blank.

    Raises:
        InfeasibleTargetError: The labels need more frames than there are.
        ValueError: A label is out of range.
    """
    num_frames, num_labels = log_probs.shape
    if not all(BLANK < label < num_labels for label in labels):
        raise ValueError(f"labels must be in 1..{num_labels - 1}, are {list(labels)!r:.80}")
    if (num_needed := min_steps(labels)) > num_frames:
        raise InfeasibleTargetError(where, num_needed, num_frames)
    if not labels:
        return []
    floor = floored(log_probs)
    states, skip = ctc_states(labels)
    if space is not None:
        floor, states = _with_other_speech(floor, states, space)
    path = _best_path(floor, states, skip)
    emitting = np.arange(1, 2 * len(labels) + 1, 2)  # states never decrease along the path
    starts, stops = (np.searchsorted(path, emitting, side) for side in ("left", "right"))
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def aligned_hypothesis(
    log_probs: NDArray[np.float32],
    labels: Sequence[int],
    words: Iterable[tuple[str, tuple[int, int]]],
    times: NDArray[np.float64],
    spans: Sequence[tuple[int, int]] | None = None,
) -> Hypothesis:
    """A hypothesis whose words have times and confidences from the frames that emit their labels.

    Args:
        log_probs: As in align.
        labels: As in align.
        words: Each word, with the (start, stop) range of its labels.
        times: (num_frames + 1,), in seconds: see frame_times.
        spans: The result of align; None: it is called here.

    Returns:
        The hypothesis. Its log_prob is that of the best path, not of all paths of its text.
    """
    spans = align(log_probs, labels) if spans is None else spans
    emissions = [Emission(label, *span) for label, span in zip(labels, spans, strict=True)]
    timed = tuple(
        timed_word(word, emissions[start:stop], log_probs, times) for word, (start, stop) in words
    )
    path = np.full((len(log_probs), 1), BLANK)
    for emission in emissions:
        path[emission.start : emission.stop] = emission.label
    on_path = np.take_along_axis(floored(log_probs), path, axis=1)
    log_prob = float(on_path.sum(dtype=np.float64))
    return Hypothesis(" ".join(word.text for word in timed), timed, log_prob, score=log_prob)


def _with_other_speech(
    log_probs: NDArray[np.float32], states: NDArray[np.intp], space: int
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """With two more labels in place of the blanks around words: silence or, at a cost, any sound.

    Without them, a part of a recording that the text lacks draws words apart: a letter that is
    moved to another word costs less there than blanks.
    """
    columns = [log_probs]
    for cost in (_COST_BETWEEN, _COST_OUTSIDE):
        any_sound = log_probs.max(axis=1, keepdims=True) - np.float32(cost)
        columns.append(np.maximum(log_probs[:, [BLANK]], any_sound))
    between, outside = log_probs.shape[1], log_probs.shape[1] + 1
    others = states.copy()
    spaces = np.flatnonzero(states == space)
    others[spaces - 1] = others[spaces + 1] = between
    others[[0, -1]] = outside
    return np.concatenate(columns, axis=1), others


def _best_path(
    log_probs: NDArray[np.float32], states: NDArray[np.intp], skip: _Scores
) -> NDArray[np.intp]:
    """The state of each frame on the best path; for the states, see ctc_states."""
    num_frames = len(log_probs)
    block = max(1, _MAX_MOVES // len(states))
    starts = range(0, num_frames, block)

    scores = np.full(len(states), -np.inf)
    scores[0] = 0  # the path starts in the first blank or one state after it
    checkpoints = [scores]
    for start in starts[:-1]:
        for row in log_probs[start : start + block]:
            scores, _ = _advance(scores, row[states], skip)
        checkpoints.append(scores)

    path = np.empty(num_frames, np.intp)
    state = None
    for start, checkpoint in zip(reversed(starts), reversed(checkpoints), strict=True):
        scores, moves = checkpoint, []
        for row in log_probs[start : start + block]:
            scores, move = _advance(scores, row[states], skip)
            moves.append(move)
        if state is None:  # the path ends in the last label or the blank after it
            state = len(states) - 2 + int(scores[-1] > scores[-2])
        for frame, move in reversed(list(enumerate(moves, start))):
            path[frame] = state
            state -= int(move[state])
    return path


def _advance(
    scores: _Scores, emissions: NDArray[np.float32], skip: _Scores
) -> tuple[_Scores, NDArray[np.int8]]:
    """The best score of each state after another frame, and how many states its path has moved."""
    best = scores.copy()
    moves = np.zeros(len(scores), np.int8)
    for step, moved in ((1, scores[:-1]), (2, scores[:-2] + skip[2:])):
        np.copyto(moves[step:], step, where=moved > best[step:])
        np.maximum(best[step:], moved, out=best[step:])
    return best + emissions, moves
