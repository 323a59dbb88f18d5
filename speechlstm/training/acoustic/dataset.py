"""Batches of utterances, whose order and augmentation depend on (seed, epoch) only."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import levelled
from speechlstm.audio import Audio
from speechlstm.config import Settings
from speechlstm.training.acoustic.corpus import Corpus, num_steps_of
from speechlstm.training.acoustic.examples import Example
from speechlstm.training.acoustic.mixing import ingredients
from speechlstm.training.data.augment import (
    Mixture,
    draw_augmentation,
    draw_mixture,
    draw_speed,
    utterance_generator,
)
from speechlstm.training.data.bucketing import bucket, pad
from speechlstm.training.data.masks import draw_masks
from speechlstm.training.data.speed_copies import at_speed
from speechlstm.training.engine.distribution import Cluster

# Batches are padded to one of these lengths in samples, each 5 % above the previous one: XLA
# compiles a program for each shape, and without this nearly every batch would have its own.
_WIDTHS = np.unique(np.ceil(1.05 ** np.arange(500)).astype(np.int64))
_MAX_PADDING = 0.1  # fraction of an epoch that may be padding
_FEW_WIDTHS = 11  # of all batches, if few shapes are asked for


class SpeechDataset(keras.utils.PyDataset):
    """The batches of an epoch: `dataset[k]` is (inputs, targets) for `AcousticNetwork`.

    Utterances of similar lengths share a batch, so that at most a tenth of an epoch is padding. A
    batch has at most `training.batch_seconds` of audio, padding included, or a single utterance,
    and one of few shapes. Order and augmentation are a pure function of (seed, epoch): a run that
    resumes in the middle of an epoch gets the same batches. With `training.consistency`, a training
    batch has two views of each utterance, in rows 2k and 2k + 1, of the same speed but with
    different noise and masks.

    Args:
        settings: Batch size and augmentation.
        augment: Whether to shuffle and augment (for training) or not (for validation).
        cluster: The devices that share each batch: `dataset[k]` has the rows of this process.
        mixed: Whether the waveforms are mixed here; if not, a batch has the `ingredients` and the
            network mixes them, which a GPU does at once.
        few_shapes: Whether all batches, of all epochs, have one of _FEW_WIDTHS shapes, at the price
            of more padding; for jax, which compiles a program for each shape.
    """

    def __init__(
        self,
        corpus: Corpus,
        settings: Settings,
        augment: bool,
        cluster: Cluster | None = None,
        mixed: bool = True,
        few_shapes: bool = False,
    ) -> None:
        super().__init__()
        self.corpus, self.settings, self.augment = corpus, settings, augment
        self.cluster, self.mixed = cluster or Cluster(), mixed or not augment
        self.num_views = 2 if augment and settings.training.consistency else 1
        self.dropped: set[str] = set()
        self.few_shapes = few_shapes
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Draw the batches of an epoch; epochs are counted from 0.

        The first batch of the run has the longest utterances, so that a lack of memory shows at
        once.
        """
        self.epoch = epoch
        self._speeds, lengths = self._draw_speeds()
        widths = self._few_widths() if self.few_shapes else _WIDTHS
        self._widths = widths[np.searchsorted(widths, lengths)]
        order = np.random.default_rng((self.settings.training.seed, epoch))
        ties = order.random(len(lengths)) if self.augment else -lengths
        chosen = self._chosen()
        by_width = np.lexsort((ties, -self._widths))
        batches = bucket(
            by_width[chosen[by_width]],
            lengths,
            self._widths,
            capacity=self._capacity,
            max_padding=1.0 if self.few_shapes else _MAX_PADDING,
        )
        if self.augment:
            num_first = 1 if epoch == 0 else 0
            rest = batches[num_first:]
            order.shuffle(rest)
            batches[num_first:] = rest
        self._batches = batches
        padded = sum(self._num_rows(batch) * int(self._widths[batch[0]]) for batch in batches)
        num_samples = int(lengths[chosen].sum())
        self.padding = 1 - num_samples / padded
        self.seconds = num_samples / self.settings.features.sample_rate

    def _chosen(self) -> NDArray[np.bool_]:
        """Whether this epoch has each utterance: see Example.share."""
        shares = self.corpus.examples.shares
        draws = np.random.default_rng((self.settings.training.seed, self.epoch, 1))
        chosen: NDArray[np.bool_] = draws.random(len(shares)) < shares
        return chosen if chosen.any() else shares == shares.max()

    def _draw_speeds(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The speeds and lengths of all utterances; 1 if CTC could not align a faster one."""
        examples = self.corpus.examples
        speeds = np.ones(len(examples))
        if self.augment:
            seed, choices = self.settings.training.seed, self.settings.augmentation.speeds
            speeds[:] = [draw_speed(seed, self.epoch, name, choices) for name in examples.ids]
        lengths = (examples.num_samples / speeds + 0.5).astype(np.int64)
        distinct, places = np.unique(lengths, return_inverse=True)
        num_steps = np.array([num_steps_of(length, self.settings) for length in distinct.tolist()])
        fits = num_steps[places] >= examples.min_steps
        return np.where(fits, speeds, 1.0), np.where(fits, lengths, examples.num_samples)

    @property
    def _capacity(self) -> float:
        """The largest number of samples of a batch, padding included, in one view."""
        seconds = self.settings.training.batch_seconds / self.num_views
        return seconds * self.settings.features.sample_rate

    def _few_widths(self) -> NDArray[np.int64]:
        """Widths with equal ratios, from the shortest utterance to the longest, at any speed."""
        speeds = self.settings.augmentation.speeds if self.augment else (1.0,)
        lengths = self.corpus.examples.num_samples
        shortest, longest = lengths.min() / max(*speeds, 1.0), lengths.max() / min(*speeds, 1.0)
        return np.geomspace(shortest, longest, _FEW_WIDTHS + 1)[1:].astype(np.int64) + 1

    def _size(self, batch: NDArray[np.int64]) -> int:
        """The number of utterances of a batch, with the copies that give it one of few shapes."""
        if not self.few_shapes:
            return len(batch)
        return max(1, int(self._capacity // self._widths[batch[0]]))

    def _num_rows(self, batch: NDArray[np.int64]) -> int:
        """The number of rows of a batch in one view, of all processes."""
        return self.cluster.num_rows(self._size(batch))

    def __len__(self) -> int:
        return len(self._batches)

    def examples(self, index: int) -> list[Example]:
        """The utterances of a batch, in its order, without those that cannot be used."""
        batch = (self.corpus.examples[i] for i in self._batches[index])
        return list(filter(self._has_rows, batch))

    def _has_rows(self, example: Example) -> bool:
        """Whether an utterance has rows in its batch, which all processes must agree on.

        The process that decodes a damaged recording is the only one to know of it, so in several
        processes it keeps its rows, and they do not count.
        """
        is_dropped = example.id in self.dropped
        return not is_dropped and (self.cluster.num_processes > 1 or self._is_whole(example))

    def _is_whole(self, example: Example) -> bool:
        """Whether a recording has not been found to be damaged: without a cache, some are late."""
        return example.index not in self.corpus.cache.failures

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the rows of a batch that this process computes, padded with zeros.

        Returns:
            inputs: ``samples`` (batch, padded_samples) float32, ``num_samples`` (batch,) int32;
                with augmentation also ``time_masks`` and ``frequency_masks``, (batch, num_masks, 2)
                int32, and if they are not mixed here the `ingredients`.
            targets: ``labels`` (batch, padded_labels) int32, ``num_labels`` (batch,) int32,
                ``num_steps`` (batch,) int32, the number of the network's output frames, and
                ``weights`` (batch,) float32: 0 for copies of other utterances, which replace
                unusable ones or fill the batch up to its size, or to a multiple of the number of
                devices. If the corpus has phones, also ``phones``, ``num_phones`` and
                ``phone_weights``, which are 0 for utterances without phones, too.
        """
        return self._rows(index, self.cluster.rows(self._size(self._batches[index])))

    def whole(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return a batch with the rows of all processes."""
        return self._rows(index, range(self._num_rows(self._batches[index])))

    def _rows(self, index: int, rows: range) -> tuple[dict[str, Any], dict[str, Any]]:
        batch = self._batches[index]
        listed = [(self.corpus.examples[i], float(self._speeds[i])) for i in batch]
        kept = [pair for pair in listed if self._has_rows(pair[0])]
        sources = kept or listed
        chosen = [sources[row % len(sources)] for row in rows]
        views = [view for pair in chosen for view in self._views(*pair)]
        if kept and not all(self._has_rows(example) for example, _ in chosen):
            return self._rows(index, rows)  # a recording was found to be damaged
        mixtures, masks = zip(*views, strict=True)
        width = int(self._widths[batch[0]])
        waveforms = [m.mixed() if self.mixed else m.speech for m in mixtures]
        samples, num_samples = pad(waveforms, width, np.float32)
        most = num_steps_of(width, self.settings)
        examples = [example for example, _ in chosen for _ in range(self.num_views)]
        counted = [
            row < len(kept) and self._is_whole(example)
            for row, (example, _) in zip(rows, chosen, strict=True)
        ]
        weights = np.repeat(counted, self.num_views).astype(np.float32)
        labels, num_labels = pad([e.labels for e in examples], most, np.int32)
        num_steps = np.array([num_steps_of(n, self.settings) for n in num_samples.tolist()])
        targets = {"labels": labels, "num_labels": num_labels, "weights": weights}
        targets["num_steps"] = num_steps.astype(np.int32)
        if self.corpus.phones:
            phones, num_phones = pad([e.phones or () for e in examples], most, np.int32)
            known = weights * [e.phones is not None for e in examples]
            targets |= {"phones": phones, "num_phones": num_phones, "phone_weights": known}
        inputs = {"samples": samples, "num_samples": num_samples}
        if not self.mixed:
            inputs |= ingredients(mixtures, width, self._num_response_samples)
        if self.augment:
            time_masks, frequency_masks = zip(*masks, strict=True)
            inputs["time_masks"] = np.stack(time_masks)
            inputs["frequency_masks"] = np.stack(frequency_masks)
        return inputs, targets

    @property
    def _num_response_samples(self) -> int:
        """The number of samples of the longest room; 0: there are no rooms."""
        config = self.settings.augmentation
        longest = config.room_seconds[1] if config.room_probability else 0
        return int(longest * self.settings.features.sample_rate)

    def _views(self, example: Example, speed: float) -> Iterator[tuple[Mixture, Any]]:
        """Yield the mixture and the masks of each view of an utterance in this epoch."""
        if not self.augment:
            yield Mixture(self._levelled(self.corpus.cache.waveform(example.index))), None
            return
        config, features = self.settings.augmentation, self.settings.features
        # The same speed in all views, which have the same length.
        speech = self._levelled(at_speed(self.corpus.cache, example.index, speed))
        generator = utterance_generator(self.settings.training.seed, self.epoch, example.id)
        for _ in range(self.num_views):
            augmentation = draw_augmentation(generator, 1.0, config)
            mixture = draw_mixture(
                speech, features.sample_rate, augmentation, self.corpus.noise, generator
            )
            masks = draw_masks(generator, features.num_frames(len(speech)), features, config)
            yield mixture, masks

    def _levelled(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """A waveform as the network will get it when it recognises."""
        features = self.settings.features
        return levelled(Audio(samples, features.sample_rate), features).samples
