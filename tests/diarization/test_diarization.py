import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from speechlstm import Audio
from speechlstm.diarization import Diarizer, Window, clustering
from speechlstm.diarization.clustering import clusters, with_speakers
from speechlstm.diarization.windows import LEAST_SECONDS, WINDOW_SECONDS, spans
from speechlstm.errors import ConfigError, MissingDependencyError
from speechlstm.transcript import Word

THRESHOLD = 0.6


class Pitch:
    """An embedder that knows one voice from another by the number of its zero crossings."""

    threshold, sample_rate, least_samples = THRESHOLD, 16000, 1600
    variances = None

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        rate = np.mean(np.diff(np.sign(audio.samples)) != 0)
        return np.exp(-((np.arange(80) - 300 * rate) ** 2) / 8).astype(np.float32)


def tones(*turns: tuple[float, float]) -> tuple[Audio, list[Word]]:
    """Turns of (pitch in Hz, seconds), with pauses of 0.4 s, and words of 0.3 s in them."""
    samples, words, at = [], [], 0.0
    for pitch, seconds in turns:
        samples += [np.sin(2 * np.pi * pitch * np.arange(round(seconds * 16000)) / 16000)]
        samples += [np.zeros(6400)]
        words += [Word("w", at + t, at + t + 0.3, 1.0) for t in np.arange(0, seconds - 0.29, 0.3)]
        at += seconds + 0.4
    return Audio(np.concatenate(samples).astype(np.float32), 16000), words


def speakers(diarizer: Diarizer, audio: Audio, words: list[Word]) -> list[int | None]:
    labelled = diarizer.with_speakers(words, diarizer.windows(audio, words))
    return [word.speaker for word in labelled]


@pytest.mark.parametrize("given", [pytest.param(None, marks=pytest.mark.slow), 3])
def test_each_word_gets_its_speaker(given: int | None) -> None:
    audio, words = tones((300, 3), (900, 4.5), (300, 3), (1500, 6))
    expected = [1] * 10 + [2] * 15 + [1] * 10 + [3] * 20
    assert speakers(Diarizer(Pitch(), given), audio, words) == expected


def test_a_turn_ends_at_a_word_without_a_pause() -> None:
    audio, words = tones((300, 6), (900, 6))
    joined = Audio(np.delete(audio.samples, slice(96000, 102400)), 16000)
    moved = [Word("w", w.start - 0.4, w.end - 0.4, 1.0) for w in words[20:]]
    assert speakers(Diarizer(Pitch()), joined, words[:20] + moved) == [1] * 20 + [2] * 20


def test_one_speaker_has_one_number() -> None:
    audio, words = tones((300, 3), (305, 8), (300, 1))
    assert set(speakers(Diarizer(Pitch()), audio, words)) == {1}
    for one in (1, np.int64(1)):
        assert set(speakers(Diarizer(Pitch(), one), audio, words)) == {1}  # type: ignore[arg-type]


def test_silence_and_short_recordings() -> None:
    diarizer = Diarizer(Pitch(), 4)
    assert diarizer.with_speakers((), ()) == ()
    audio, words = tones((300, 0.3))
    assert speakers(diarizer, audio, words) == [1]  # too short for a window
    audio, words = tones((300, 0.6))
    assert speakers(diarizer, audio, words) == [1, 1]  # fewer windows than speakers


@pytest.mark.parametrize("number", [0, -1, 101, True, 1.5, "two"])
def test_a_wrong_number_is_refused(number: object) -> None:
    with pytest.raises(ConfigError, match="speakers: must be"):
        Diarizer(Pitch(), number)  # type: ignore[arg-type]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'speechlstm\[speakers\]'"):
        clusters(np.eye(3), THRESHOLD)


def average_linkage(vectors: NDArray[np.float64], threshold: float) -> list[set[int]]:
    """Agglomerative clustering as it is defined: merge the two closest until none is close."""
    distances = 1 - vectors @ vectors.T
    found = [{index} for index in range(len(vectors))]
    while len(found) > 1:
        pairs = [
            (distances[np.ix_(sorted(a), sorted(b))].mean(), i, j)
            for i, a in enumerate(found)
            for j, b in enumerate(found[:i])
        ]
        least, i, j = min(pairs)
        if least >= threshold:
            break
        found[j] |= found.pop(i)
    return found


@pytest.mark.slow
def test_clusters_are_those_of_the_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "LEAST_WINDOWS", 1)
    generator = np.random.default_rng(1)
    for _ in range(20):
        means = generator.normal(size=(3, 8))
        vectors = np.repeat(means, 6, axis=0) + 0.5 * generator.normal(size=(18, 8))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        labels = clusters(vectors, THRESHOLD)
        expected = average_linkage(vectors, THRESHOLD)
        centroids = np.array([vectors[sorted(c)].mean(axis=0) for c in expected])
        centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
        nearest = (vectors @ centroids.T).argmax(axis=1)
        same = nearest[:, None] == nearest
        assert ((labels[:, None] == labels) == same).all()


def test_a_small_cluster_is_no_speaker() -> None:
    vectors = np.repeat(np.eye(3), [30, 15, 3], axis=0)
    assert clusters(vectors, THRESHOLD).max() == 1
    assert clusters(vectors[-8:], THRESHOLD).max() == 1  # in a short recording it is one
    assert clusters(vectors, THRESHOLD, 3).tolist() != clusters(vectors, THRESHOLD).tolist()
    assert len(set(clusters(vectors, THRESHOLD, 3).tolist())) == 3


def voices(sizes: list[int], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Embeddings of windows of speakers, as the model has them, and the variances of speakers."""
    generator = np.random.default_rng(seed)
    variances = np.linspace(6, 0.5, 40)
    means = np.sqrt(variances) * generator.normal(size=(len(sizes), 40))
    vectors = np.repeat(means, sizes, axis=0)
    vectors += generator.normal(size=vectors.shape)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), variances


@pytest.mark.parametrize("sizes", [[60], [8], [40, 25], [20, 20, 20], [15, 12, 9, 12, 15]])
def test_the_number_of_speakers_is_found_out(sizes: list[int]) -> None:
    truth = np.repeat(np.arange(len(sizes)), sizes)
    for seed in range(3):
        vectors, variances = voices(sizes, seed)
        # With a low threshold, there are many clusters to merge.
        for threshold, number in ((0.2, None), (0.6, None), (0.2, len(sizes)), (0.9, len(sizes))):
            labels = clusters(vectors, threshold, number, variances)
            assert ((labels[:, None] == labels) == (truth[:, None] == truth)).all()


def test_clusters_are_merged_until_there_are_as_many_as_given() -> None:
    vectors, variances = voices([20, 20, 20], 1)
    for number in (1, 2, 3, 5, 60, 100):
        labels = clusters(vectors, THRESHOLD, number, variances)
        assert len(set(labels.tolist())) == min(number, 60)


def test_two_who_sound_alike_are_rather_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one, variances = voices([40], 1)
    shift = np.linspace(1, -1, 40) / np.sqrt(40)
    truth = np.repeat([0, 1], 20)
    numbers = []
    for bonus in (clustering.ONE_SPEAKER, 0.0):
        monkeypatch.setattr(clustering, "ONE_SPEAKER", bonus)
        numbers.append([])
        for apart in np.linspace(0, 4, 41):
            vectors = one + apart * truth[:, None] * shift
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            labels = clustering._merged(vectors, truth, variances, 1, is_given=False)
            numbers[-1].append(1 + int(labels.max()))
    with_bonus, without = numbers
    assert with_bonus == sorted(with_bonus) and without == sorted(without)
    assert without[0] == 1 and with_bonus[-1] == 2
    assert sum(with_bonus) < sum(without)


def test_the_evidence_is_that_of_the_model() -> None:
    generator = np.random.default_rng(1)
    variances = np.array([4.0, 0.5, 1.0])

    def log_likelihood(vectors: NDArray[np.float64]) -> float:  # of one speaker: a joint Gaussian
        ones = np.ones((len(vectors), len(vectors)))
        covariances = [np.eye(len(vectors)) + variance * ones for variance in variances]
        return sum(
            float(multivariate_normal(cov=covariance).logpdf(column))
            for covariance, column in zip(covariances, vectors.T, strict=True)
        )

    one, other = generator.normal(size=(5, 3)), generator.normal(size=(2, 3)) + 1
    expected = log_likelihood(np.concatenate([one, other]))
    expected -= log_likelihood(one) + log_likelihood(other)
    sums = np.array([one.sum(axis=0), other.sum(axis=0), one.sum(axis=0) + other.sum(axis=0)])
    found = clustering._evidence(sums, np.array([[5.0], [2], [7]]), variances)
    assert found[2] - found[0] - found[1] == pytest.approx(expected)


def test_long_recordings_are_clustered_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.tile(np.eye(2), (50, 1))
    monkeypatch.setattr(clustering, "MAX_WINDOWS", 11)
    for number in (None, 2):
        labels = clusters(np.repeat(vectors, 7, axis=0), THRESHOLD, number)
        assert len(labels) == 700
        assert (labels.reshape(-1, 7) == labels[::7, None]).all()
        assert len(set(labels.tolist())) == 2


def test_words_beyond_all_windows_follow_the_nearest() -> None:
    windows = [Window(0, 1.5, np.array([1.0, 0])), Window(9, 10.5, np.array([0, 1.0]))]
    words = [Word("a", 0, 1, 1), Word("b", 3, 3.2, 1), Word("c", 7, 7.2, 1), Word("d", 9, 10, 1)]
    found = with_speakers(words, windows, THRESHOLD, 2)
    assert [word.speaker for word in found] == [1, 1, 2, 2]


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0.05, 1)), max_size=30))
def test_windows_lie_within_speech(steps: list[tuple[float, float]]) -> None:
    words, at = [], 0.0
    for pause, length in steps:
        words.append(Word("w", at + pause, at + pause + length, 1.0))
        at += pause + length
    for start, end in spans(words):
        assert LEAST_SECONDS <= end - start <= WINDOW_SECONDS + 1e-9
        assert words[0].start - 1e-9 <= start and end <= words[-1].end + 1e-9
