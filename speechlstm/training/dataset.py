"""Batches of utterances, in an order and with an augmentation that follow from (seed, epoch)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from speechlstm.alphabet import Alphabet
from speechlstm.config import Settings
from speechlstm.errors import DataError, TrainingError
from speechlstm.manifest import Manifest
from speechlstm.targets import encode_target, min_steps
from speechlstm.text import normalize
from speechlstm.training.augment import (
    augment,
    draw_augmentation,
    draw_masks,
    draw_speed,
    utterance_generator,
)
from speechlstm.training.pcm_cache import PCMCache, open_cache

_LENGTH_JITTER = 0.03  # of a length: so that an utterance's neighbours change from epoch to epoch
_MAX_PADDING = 0.1  # of a batch


@dataclass(frozen=True)
class Example:
    """An utterance that can be trained on.

    Attributes:
        id: Its id in its manifest.
        text: Its normalised transcript.
        labels: The transcript's labels.
        index: Its place in the cache.
        num_samples: Its length.
    """

    id: str
    text: str
    labels: tuple[int, ...]
    index: int
    num_samples: int


@dataclass(frozen=True)
class Corpus:
    """What can be trained on of one or several manifests.

    Attributes:
        examples: The usable utterances.
        cache: Their samples.
        refused: What is wrong with each of the others; those without a text are not counted.
        noise: What may be added to them.
    """

    examples: tuple[Example, ...]
    cache: PCMCache
    refused: tuple[str, ...]
    noise: PCMCache | None = None


def derive_alphabet(manifests: Iterable[Manifest]) -> Alphabet:
    """The characters of the normalised transcripts.

    Raises:
        TrainingError: No utterance has a transcript.
    """
    texts = [normalize(u.text) for manifest in manifests for u in manifest if u.text]
    if not any(texts):
        raise TrainingError("no utterance of the training manifests has a transcript")
    return Alphabet.from_texts(texts)


def load_corpus(
    manifests: Sequence[Manifest],
    alphabet: Alphabet,
    settings: Settings,
    cache_folder: Path,
    progress: bool = False,
) -> Corpus:
    """Decode the recordings of manifests and encode their transcripts.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable; the first refusals are named.
    """
    utterances = [(m.audio_path(u), u) for m in manifests for u in m if u.text is not None]
    cache = open_cache(
        [path for path, _ in utterances], settings.features.sample_rate, cache_folder, progress
    )
    examples: list[Example] = []
    refused = list(cache.failures.values())
    for index, (path, utterance) in enumerate(utterances):
        if index in cache.failures:
            continue
        text, num_samples = normalize(utterance.text or ""), cache.num_samples[index]
        num_steps = _num_steps(num_samples, settings)
        try:
            labels = encode_target(text, alphabet, num_steps, f"{path}")
        except DataError as error:
            refused.append(str(error))
        else:
            examples.append(Example(utterance.id, text, tuple(labels), index, num_samples))
    if not examples:
        names = ", ".join(str(m.path) for m in manifests)
        first = "; ".join(refused[:3]) or "none has a transcript"
        raise TrainingError(f"{names}: no usable utterance: {first}")
    return Corpus(tuple(examples), cache, tuple(refused))


def _num_steps(num_samples: int, settings: Settings) -> int:
    return settings.model.num_steps(settings.features.num_frames(num_samples))


class SpeechDataset(keras.utils.PyDataset):
    """The batches of an epoch: `dataset[k]` is (inputs, targets) for `AcousticModel`.

    Utterances of like length share a batch, so that at most a tenth of it is padding; it holds at
    most `training.batch_seconds` of audio, padding included, or a single utterance. Order and
    augmentation are a pure function of (seed, epoch): whoever resumes in the middle of an epoch
    sees the same batches.

    Args:
        corpus: The utterances.
        settings: Batch size and augmentation.
        augment: Whether to shuffle and augment (training) or not (validation).
    """

    def __init__(self, corpus: Corpus, settings: Settings, augment: bool) -> None:
        super().__init__()
        self.corpus, self.settings, self.augment = corpus, settings, augment
        self.dropped: set[str] = set()
        self._num_samples = np.array([example.num_samples for example in corpus.examples])
        self._min_steps = np.array([min_steps(example.labels) for example in corpus.examples])
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the batches of an epoch, counted from 0; the run's first has the longest utterance.

        So that a batch that does not fit into memory shows at once.
        """
        self.epoch = epoch
        self._speeds, lengths = self._draw_speeds()
        order = np.random.default_rng((self.settings.training.seed, epoch))
        jitter = order.uniform(-_LENGTH_JITTER, _LENGTH_JITTER, len(lengths)) if self.augment else 0
        by_length = np.argsort(-lengths * (1 + jitter), kind="stable")
        capacity = self.settings.training.batch_seconds * self.settings.features.sample_rate
        batches = list(_cut(by_length, lengths, capacity))
        if self.augment:
            order.shuffle(batches)
        if epoch == 0:
            longest = max(range(len(batches)), key=lambda k: lengths[batches[k]].max())
            batches.insert(0, batches.pop(longest))
        self._batches = batches
        padded = sum(len(batch) * int(lengths[batch].max()) for batch in batches)
        self.padding = 1 - int(lengths.sum()) / padded
        self.seconds = int(lengths.sum()) / self.settings.features.sample_rate

    def _draw_speeds(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Speeds and lengths of all utterances; 1 where at another speed the text would not fit."""
        speeds = np.ones(len(self._num_samples))
        if self.augment:
            seed, choices = self.settings.training.seed, self.settings.augmentation.speeds
            speeds[:] = [draw_speed(seed, self.epoch, e.id, choices) for e in self.corpus.examples]
        lengths = (self._num_samples / speeds + 0.5).astype(np.int64)
        num_steps = np.array([_num_steps(length, self.settings) for length in lengths.tolist()])
        fits = num_steps >= self._min_steps
        return np.where(fits, speeds, 1.0), np.where(fits, lengths, self._num_samples)

    def __len__(self) -> int:
        return len(self._batches)

    def examples(self, index: int) -> list[Example]:
        """The utterances of a batch, in its order."""
        return [self.corpus.examples[i] for i in self._batches[index]]

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """A batch: its inputs and its targets, padded with zeros.

        Returns:
            inputs: ``samples`` (batch, padded_samples) float32, ``num_samples`` (batch,) int32;
                with augmentation also ``time_masks`` and ``frequency_masks``, (batch, num_masks, 2)
                int32.
            targets: ``labels`` (batch, max_labels) int32, ``num_labels`` (batch,) int32,
                ``weights`` (batch,) float32: 0 for an utterance that was dropped.
        """
        examples = self.examples(index)
        waveforms, masks = zip(*(self._heard(i) for i in self._batches[index]), strict=True)
        samples, num_samples = _pad(waveforms, np.float32)
        labels, num_labels = _pad([example.labels for example in examples], np.int32)
        inputs = {"samples": samples, "num_samples": num_samples}
        if self.augment:
            time_masks, frequency_masks = zip(*masks, strict=True)
            inputs["time_masks"] = np.stack(time_masks)
            inputs["frequency_masks"] = np.stack(frequency_masks)
        weights = np.array([example.id not in self.dropped for example in examples], np.float32)
        return inputs, {"labels": labels, "num_labels": num_labels, "weights": weights}

    def _heard(self, place: int) -> tuple[NDArray[np.float32], Any]:
        """The waveform and the masks of an utterance of the corpus in this epoch."""
        example, noise = self.corpus.examples[place], self.corpus.noise
        waveform = self.corpus.cache.waveform(example.index)
        if not self.augment:
            return waveform, None
        config, features = self.settings.augmentation, self.settings.features
        generator = utterance_generator(self.settings.training.seed, self.epoch, example.id)
        augmentation = draw_augmentation(generator, float(self._speeds[place]), config)
        waveform = augment(waveform, features.sample_rate, augmentation, noise, generator)
        num_frames = features.num_frames(len(waveform))
        return waveform, draw_masks(generator, num_frames, features, config)


def _cut(
    order: NDArray[np.int64], lengths: NDArray[np.int64], capacity: float
) -> Iterator[NDArray[np.int64]]:
    """Cut an order into batches within capacity and _MAX_PADDING; one utterance may exceed it."""
    start, longest, total = 0, 0, 0
    for end, length in enumerate(lengths[order].tolist()):
        longest, total = max(longest, length), total + length
        padded = longest * (end + 1 - start)
        if end > start and (padded > capacity or total < (1 - _MAX_PADDING) * padded):
            yield order[start:end]
            start, longest, total = end, length, length
    yield order[start:]


def _pad(rows: Sequence[Any], dtype: Any) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Rows of different lengths as one array (num_rows, at least 1), and their lengths."""
    lengths = np.array([len(row) for row in rows], np.int32)
    padded = np.zeros((len(rows), max(1, lengths.max())), dtype)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return padded, lengths
