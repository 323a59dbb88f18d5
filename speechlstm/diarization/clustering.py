"""From the embeddings of windows to the speakers of words.

Windows are clustered (agglomerative clustering, average linkage on the cosine). Then each word gets
the speaker whose mean is closest to the windows around it, by the Viterbi algorithm, in which a
change of speaker has a cost, less so at a pause.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from speechlstm.diarization.windows import Window
from speechlstm.errors import MissingDependencyError
from speechlstm.transcript import Word

Vectors = NDArray[np.float64]
Labels = NDArray[np.intp]

MAX_WINDOWS = 4000  # that are clustered, those of 50 minutes: their distances take 128 MB
# A speaker whose number is not given has at least a tenth of the windows, or this many.
LEAST_WINDOWS = 5
SWITCH_COST, PAUSE_COST = 0.3, 0.1  # of a change of speaker, in cosine: within speech, at a pause
PAUSE_SECONDS = 0.25
NUM_PASSES = 2
_PURE = 0.9  # of a window that counts for the mean of a speaker, the part that he speaks


def with_speakers(
    words: Sequence[Word],
    windows: Sequence[Window],
    threshold: float,
    num_speakers: int | None = None,
) -> tuple[Word, ...]:
    """The words with the number of their speaker, from 1, in the order in which they first speak.

    Args:
        words: The words of a recording, in the order of time.
        threshold: The mean cosine distance above which clusters are of two speakers.
        num_speakers: The number of speakers; None: it is found by the threshold.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    if not words or not windows:
        return tuple(replace(word, speaker=1) for word in words)
    vectors = _normalised(np.array([window.embedding for window in windows], np.float64))
    centroids = _centroids(vectors, _one_hot(clusters(vectors, threshold, num_speakers)))
    shares = _shares(words, windows)
    for _ in range(NUM_PASSES):
        speakers = _best_path(shares @ vectors @ centroids.T, words)
        centroids = _refined(centroids, vectors, shares, speakers)
    order = list(dict.fromkeys(speakers.tolist()))
    return tuple(
        replace(word, speaker=1 + order.index(speaker))
        for word, speaker in zip(words, speakers.tolist(), strict=True)
    )


def clusters(vectors: Vectors, threshold: float, num_speakers: int | None = None) -> Labels:
    """The number of the cluster of each vector, from 0 without gaps.

    Args:
        vectors: (num_windows, embedding_size), each of length 1.
        threshold: As for with_speakers.
        num_speakers: As for with_speakers; there are never more clusters than windows.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import AgglomerativeClustering
    except ImportError:
        raise MissingDependencyError("sklearn") from None
    every = -(-len(vectors) // MAX_WINDOWS)
    chosen = vectors[::every]
    if len(chosen) == 1 or num_speakers == 1:
        return np.zeros(len(vectors), np.intp)
    clustering = AgglomerativeClustering(
        n_clusters=None if num_speakers is None else min(num_speakers, len(chosen)),
        distance_threshold=threshold if num_speakers is None else None,
        metric="cosine",
        linkage="average",
    )
    labels: Labels = clustering.fit_predict(chosen)
    if num_speakers is None:
        labels = _without_small(labels)
    centroids = _centroids(chosen, _one_hot(labels))
    if every == 1 and num_speakers is not None:
        return labels
    nearest: Labels = (vectors @ centroids.T).argmax(axis=1)
    return np.unique(nearest, return_inverse=True)[1]


def _without_small(labels: Labels) -> Labels:
    """Labels without clusters that are too small for a speaker: -1; the largest always remains."""
    sizes = np.bincount(labels)
    least = min(LEAST_WINDOWS, max(2, len(labels) // 10))
    kept = (sizes >= least) | (sizes == sizes.max())
    return np.where(kept, np.cumsum(kept) - 1, -1)[labels]


def _one_hot(labels: Labels) -> Vectors:
    """(num_windows, num_clusters); a row of a window in no cluster is 0."""
    hot = np.zeros((len(labels), labels.max() + 1))
    rows = np.flatnonzero(labels >= 0)
    hot[rows, labels[rows]] = 1
    return hot


def _centroids(vectors: Vectors, weights: Vectors) -> Vectors:
    """(num_clusters, embedding_size): the means of vectors, each of length 1."""
    return _normalised(weights.T @ vectors)


def _normalised(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9))


def _shares(words: Sequence[Word], windows: Sequence[Window]) -> Vectors:
    """(num_words, num_windows): the share of each window in what is known of a word; rows sum to 1.

    A word that no window covers has that of the nearest.
    """
    starts, ends = (np.array([getattr(w, edge) for w in windows]) for edge in ("start", "end"))
    shares = np.zeros((len(words), len(windows)))
    for index, word in enumerate(words):
        row = np.maximum(0, np.minimum(ends, word.end) - np.maximum(starts, word.start))
        if not row.any():
            row[np.abs(starts + ends - word.start - word.end).argmin()] = 1
        shares[index] = row / row.sum()
    return shares


def _best_path(similarities: Vectors, words: Sequence[Word]) -> Labels:
    """The speaker of each word, so that similarities less costs of changes are largest.

    Args:
        similarities: (num_words, num_speakers).
    """
    best = similarities[0]
    before = np.zeros(similarities.shape, np.intp)
    for index in range(1, len(words)):
        is_pause = words[index].start - words[index - 1].end > PAUSE_SECONDS
        cost = PAUSE_COST if is_pause else SWITCH_COST
        before[index] = np.where(best >= best.max() - cost, np.arange(len(best)), best.argmax())
        best = np.maximum(best, best.max() - cost) + similarities[index]
    path = np.zeros(len(words), np.intp)
    path[-1] = best.argmax()
    for index in range(len(words) - 1, 0, -1):
        path[index - 1] = before[index, path[index]]
    return path


def _refined(centroids: Vectors, vectors: Vectors, shares: Vectors, speakers: Labels) -> Vectors:
    """The means of the windows in which only one speaker speaks; of the others, what they were."""
    weights = shares.T @ np.eye(len(centroids))[speakers]
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    weights = np.where(weights >= _PURE, weights, 0)
    is_heard = weights.sum(axis=0, keepdims=True).T > 0
    return np.where(is_heard, _centroids(vectors, weights), centroids)
