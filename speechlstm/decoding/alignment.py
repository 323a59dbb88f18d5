"""Forced alignment: the frames in which the words of a known text are spoken.

Viterbi search over CTC's states (see ctc_states):
Graves et al., "Connectionist temporal classification", ICML 2006, section 4.1, with the maximum in
place of each sum.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from speechlstm.decoding.gaps import GappedChain, with_any_sound
from speechlstm.decoding.likelihood import ctc_states
from speechlstm.decoding.log_probs import floored
from speechlstm.decoding.timed_words import Emission, timed_word
from speechlstm.errors import InfeasibleTargetError
from speechlstm.text.alphabet import BLANK
from speechlstm.text.targets import min_steps
from speechlstm.transcript import Hypothesis, Word

# The number of moves in memory, one byte each. Those of an hour would take ten gigabytes; beyond
# this limit they are recomputed block by block, from the scores at the start of each block.
_MAX_MOVES = 1 << 26


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
        space: The label between words, where speech and text may differ: more may be spoken than
            the text has, and words may be left out. None: just this text is spoken.

    Returns:
        For each label its first frame, and the frame after its last one, which are equal for the
        labels of words that are left out. Other frames are blank, or of other speech.

    Raises:
        InfeasibleTargetError: All labels are to be emitted, and need more frames than there are.
        ValueError: A label is out of range.
    """
    num_frames, num_labels = log_probs.shape
    if not all(BLANK < label < num_labels for label in labels):
        raise ValueError(f"labels must be in 1..{num_labels - 1}, are {list(labels)!r:.80}")
    if not labels:
        return []
    floor = floored(log_probs)
    if space is None:
        if (num_needed := min_steps(labels)) > num_frames:
            raise InfeasibleTargetError(where, num_needed, num_frames)
        path = _best_path(floor, _Chain(labels))
    else:
        path = _best_path(with_any_sound(floor), GappedChain(labels, space, num_labels))
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

    Words without frames last no time and have the confidence 0.

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
    timed = []
    for word, (start, stop) in words:
        own = [emission for emission in emissions[start:stop] if emission.stop > emission.start]
        at = float(times[emissions[start].start])
        timed.append(timed_word(word, own, log_probs, times) if own else Word(word, at, at, 0.0))
    path = np.full((len(log_probs), 1), BLANK)
    for emission in emissions:
        path[emission.start : emission.stop] = emission.label
    on_path = np.take_along_axis(floored(log_probs), path, axis=1)
    log_prob = float(on_path.sum(dtype=np.float64))
    text = " ".join(word.text for word in timed)
    return Hypothesis(text, tuple(timed), log_prob, score=log_prob)


class _Chain:
    """The states of a text: see ctc_states.

    Args:
        labels: The labels of the text, at least one.
    """

    def __init__(self, labels: Sequence[int]) -> None:
        self.states, self._skip = ctc_states(labels)

    def first_scores(self) -> _Scores:
        """The scores before the first frame."""
        scores = np.full(len(self.states), -np.inf)
        scores[0] = 0  # the path starts in the first blank or one state after it
        return scores

    def advance(
        self, scores: _Scores, emissions: NDArray[np.float32]
    ) -> tuple[_Scores, NDArray[np.int8]]:
        """The best score of each state after another frame, and how many states its path moves."""
        best = scores.copy()
        moves = np.zeros(len(scores), np.int8)
        for step, moved in ((1, scores[:-1]), (2, scores[:-2] + self._skip[2:])):
            np.copyto(moves[step:], step, where=moved > best[step:])
            np.maximum(best[step:], moved, out=best[step:])
        return best + emissions, moves

    def last_state(self, scores: _Scores) -> int:
        """Where the best path ends: in the last label or the blank after it."""
        return len(self.states) - 2 + int(scores[-1] > scores[-2])

    def place(self, state: int) -> int:
        """The state of the text at which a state is."""
        return state

    def before(self, state: int, moves: NDArray[np.int8]) -> int:
        """The state of the path at the frame before, from the moves to a frame."""
        return state - int(moves[state])


def _best_path(log_probs: NDArray[np.float32], chain: _Chain | GappedChain) -> NDArray[np.intp]:
    """The state of the text at each frame on the best path."""
    num_frames = len(log_probs)
    block = max(1, _MAX_MOVES // len(chain.states))
    starts = range(0, max(1, num_frames), block)

    scores = chain.first_scores()
    checkpoints = [scores]
    for start in starts[:-1]:
        for row in log_probs[start : start + block]:
            scores, _ = chain.advance(scores, row[chain.states])
        checkpoints.append(scores)

    path = np.empty(num_frames, np.intp)
    state = None
    for start, checkpoint in zip(reversed(starts), reversed(checkpoints), strict=True):
        scores, moves = checkpoint, []
        for row in log_probs[start : start + block]:
            scores, move = chain.advance(scores, row[chain.states])
            moves.append(move)
        if state is None:
            state = chain.last_state(scores)
        for frame, move in reversed(list(enumerate(moves, start))):
            path[frame] = chain.place(state)
            state = chain.before(state, move)
    return path
