"""From the embeddings of windows to the speakers of words.

Windows are clustered (agglomerative clustering, average linkage on the cosine). Where the variances
of embeddings are known, these clusters are merged as long as that is likelier: how far apart the
means of two speakers are depends on how long they speak (the two-covariance model of Brummer and de
Villiers, "The speaker partitioning problem", Odyssey 2010). Then each word gets the speaker whose
mean is closest to the windows around it, by the Viterbi algorithm, in which a change of speaker has
a cost, less so at a pause.
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
# Windows overlap, and what is said in one breath is alike: a window counts as this many, and all of
# a speaker as no more than the other. Chosen on mixtures of training speakers (scripts/README.md).
WINDOW_WEIGHT, MOST_WEIGHT = 0.4, 5.0
# A natural logarithm: how much likelier two speakers must be than one. One person is recorded more
# often, and sounds like two after a move or another microphone.
ONE_SPEAKER = 12.0
SWITCH_COST, PAUSE_COST = 0.3, 0.1  # of a change of speaker, in cosine: within speech, at a pause
PAUSE_SECONDS = 0.25
NUM_PASSES = 2
_PURE = 0.9  # of a window that counts for the mean of a speaker, the part that he speaks


def with_speakers(
    words: Sequence[Word],
    windows: Sequence[Window],
    threshold: float,
    num_speakers: int | None = None,
    variances: Vectors | None = None,
) -> tuple[Word, ...]:
    """The words with the number of their speaker, from 1, in the order in which they first speak.

    Args:
        words: The words of a recording, in the order of time.
        threshold: The mean cosine distance above which clusters are of two speakers; with
            variances, above which they are merged only if that is likelier.
        num_speakers: The number of speakers; None: it is found out.
        variances: (embedding_size,), between speakers, of embeddings whose variance within a
            speaker is 1; None: they are not known.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    if not words or not windows:
        return tuple(replace(word, speaker=1) for word in words)
    vectors = _normalized(np.array([window.embedding for window in windows], np.float64))
    labels = clusters(vectors, threshold, num_speakers, variances)
    centroids = _centroids(vectors, _one_hot(labels))
    shares = _shares(words, windows)
    for _ in range(NUM_PASSES):
        speakers = _best_path(shares @ vectors @ centroids.T, words)
        centroids = _refined(centroids, vectors, shares, speakers)
    order = list(dict.fromkeys(speakers.tolist()))
    return tuple(
        replace(word, speaker=1 + order.index(speaker))
        for word, speaker in zip(words, speakers.tolist(), strict=True)
    )


def clusters(
    vectors: Vectors,
    threshold: float,
    num_speakers: int | None = None,
    variances: Vectors | None = None,
) -> Labels:
    """The number of the cluster of each vector, from 0 without gaps.

    Args:
        vectors: (num_windows, embedding_size), each of length 1.
        threshold: As for with_speakers.
        num_speakers: As for with_speakers; there are never more clusters than windows.
        variances: As for with_speakers.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    every = -(-len(vectors) // MAX_WINDOWS)
    chosen = vectors[::every]
    if len(chosen) == 1 or num_speakers == 1:
        return np.zeros(len(vectors), np.intp)
    number = None if num_speakers is None else min(num_speakers, len(chosen))
    if variances is None:
        labels = _linked(chosen, threshold, number)
    else:
        labels = _linked(chosen, threshold, None)
        if number and labels.max() + 1 < number:
            labels = _linked(chosen, threshold, number)
        labels = _merged(chosen, labels, variances, number or 1, is_given=number is not None)
    if number is None:
        labels = _without_small(labels)
    centroids = _centroids(chosen, _one_hot(labels))
    if every == 1 and number is not None:
        return labels
    nearest: Labels = (vectors @ centroids.T).argmax(axis=1)
    return np.unique(nearest, return_inverse=True)[1]


def _linked(vectors: Vectors, threshold: float, number: int | None) -> Labels:
    """Agglomerative clustering: a number of clusters; None: until they are a threshold apart."""
    try:
        from sklearn.cluster import AgglomerativeClustering
    except ImportError:
        raise MissingDependencyError("sklearn") from None
    clustering = AgglomerativeClustering(
        n_clusters=number,
        distance_threshold=threshold if number is None else None,
        metric="cosine",
        linkage="average",
    )
    labels: Labels = clustering.fit_predict(vectors)
    return labels


def _merged(
    vectors: Vectors, labels: Labels, variances: Vectors, least: int, is_given: bool
) -> Labels:
    """Merge clusters, the two whose merging is likeliest first.

    Args:
        vectors: As for clusters; their length becomes that of embeddings on average.
        labels: The number of the cluster of each vector.
        variances: As for with_speakers.
        least: The least number of clusters.
        is_given: Whether clusters are merged until there are so few, likely or not.
    """
    counts = np.bincount(labels).astype(float)
    sums = _one_hot(labels).T @ vectors * np.sqrt((1 + variances).sum())
    names = np.arange(len(counts))
    gains = np.array([_gains(index, sums, counts, variances) for index in range(len(names))])
    for number in range(len(counts), least, -1):
        kept, gone = divmod(int(gains.argmax()), len(gains))
        bonus = ONE_SPEAKER if number == 2 else 0.0
        if gains[kept, gone] + bonus < 0 and not is_given:
            break
        names[names == gone] = kept
        sums[kept], counts[kept] = sums[kept] + sums[gone], counts[kept] + counts[gone]
        changed = _gains(kept, sums, counts, variances)
        gains[kept], gains[:, kept] = changed, changed
        is_gone = ~np.isin(np.arange(len(names)), names)
        gains[is_gone], gains[:, is_gone] = -np.inf, -np.inf
    return np.unique(names[labels], return_inverse=True)[1]


def _gains(index: int, sums: Vectors, counts: Vectors, variances: Vectors) -> Vectors:
    """By how much merging a cluster with each is likelier than not, in natural logarithms."""
    weights = 1 / (1 / (WINDOW_WEIGHT * counts) + 1 / MOST_WEIGHT)[:, None]
    means = sums / counts[:, None]
    alone = _evidence(weights * means, weights, variances)
    both = weights * means + weights[index] * means[index], weights + weights[index]
    gains = _evidence(*both, variances) - alone - alone[index]
    gains[index] = -np.inf
    return np.asarray(gains)


def _evidence(sums: Vectors, weights: Vectors, variances: Vectors) -> Vectors:
    """The log-likelihood that vectors are of one speaker, up to terms that merging leaves alone."""
    precisions = 1 + weights * variances
    terms = variances * np.square(sums) / precisions - np.log(precisions)
    return np.asarray(terms.sum(axis=1) / 2)


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
    return _normalized(weights.T @ vectors)


def _normalized(vectors: Vectors) -> Vectors:
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
