"""What a training run will take: time, memory and disk, measured on a few of its own batches."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from speechlstm.arguments import StrPath
from speechlstm.audio import Piece
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import counted
from speechlstm.storage import address_of
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.corpus import Transcribed, corpus_of
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.manifests import Paths, RunManifests, load_data
from speechlstm.training.acoustic.recipe import as_source, prepare_run
from speechlstm.training.acoustic.run import Run
from speechlstm.training.acoustic.trained import TrainedModel
from speechlstm.training.acoustic.trainer import Trainer
from speechlstm.training.data.pcm_cache import PCMCache
from speechlstm.training.data.speed_copies import SAMPLE_BYTES
from speechlstm.training.engine.devices import peak_memory

_NUM_BATCHES = 8  # of an epoch are trained on; half an hour of speech with large batches
_NUM_NOISES = 20
_COPIES_OF_WEIGHTS = 5  # checkpoint (weights, two moments), best epoch, the one being written
_BYTES_OF_SAMPLE, _BYTES_OF_WEIGHT = 2, 4


@dataclass(frozen=True)
class Plan:
    """What a training run will take, on this machine and with this backend.

    Attributes:
        hours: Hours of training speech.
        num_batches: Number of updates in an epoch.
        padding: The fraction of an epoch that is padding, 0..1.
        num_epochs: The largest number of epochs; a run may stop earlier.
        decode_seconds: Seconds to decode all recordings, before the first epoch.
        start_seconds: Seconds in which the first batches take longer than later ones.
        epoch_seconds: Seconds of an epoch's updates.
        valid_seconds: Seconds of the validation after each epoch.
        memory: Peak in bytes, by "process" or the name of a device.
        cache_bytes: Size of the decoded recordings on disk, with the copies at other speeds.
        run_bytes: Size of the checkpoints of the run.
        is_sample: Whether the times are projections from a sample; else, all batches were tried.
    """

    num_weights: int
    num_utterances: int
    hours: float
    num_batches: int
    padding: float
    num_epochs: int
    decode_seconds: float
    start_seconds: float
    epoch_seconds: float
    valid_seconds: float
    memory: dict[str, int]
    cache_bytes: int
    run_bytes: int
    is_sample: bool

    @property
    def seconds(self) -> float:
        """Seconds of the whole run, if it does not stop early."""
        epochs = self.num_epochs * (self.epoch_seconds + self.valid_seconds)
        return self.decode_seconds + self.start_seconds + epochs

    @property
    def speed(self) -> float:
        """Hours of training speech in an hour of updates."""
        return 3600 * self.hours / self.epoch_seconds

    def to_text(self, hourly_cost: float | None = None) -> str:
        """Lines to be read.

        Args:
            hourly_cost: The price of an hour of this machine; adds what 1,000 hours of speech cost.
        """
        epochs = counted(self.num_epochs, "epoch")
        thousand = 1000 / self.speed * self.num_epochs
        cost = f", {thousand * hourly_cost:,.0f} at {hourly_cost:g} an hour" if hourly_cost else ""
        measured = "a sample of the batches" if self.is_sample else "all batches"
        memory = ", ".join(f"{_size(size)} ({name})" for name, size in self.memory.items())
        lines = {
            "network": f"{self.num_weights:,} weights",
            "training speech": f"{timespan(3600 * self.hours)}, "
            f"{counted(self.num_utterances, 'utterance')}; {counted(self.num_batches, 'update')} "
            f"an epoch, {self.padding:.0%} padding",
            "speed": f"{self.speed:.0f} x real time, measured on {measured}",
            "before it": f"{timespan(self.decode_seconds + self.start_seconds)} to decode and "
            "start",
            "an epoch": f"{timespan(self.epoch_seconds)}, and {timespan(self.valid_seconds)} to "
            "validate",
            epochs: f"{timespan(self.seconds)} in all",
            "memory": memory or "not known on this system",
            "disk": f"{_size(self.cache_bytes)} of recordings, {_size(self.run_bytes)} of "
            "checkpoints",
            "1,000 hours": f"of such speech: {timespan(3600 * thousand)} for {epochs}{cost}",
        }
        width = max(map(len, lines))
        return "\n".join(f"{name:{width}}  {text}" for name, text in lines.items())


def plan(
    train: Paths,
    valid: Paths,
    settings: Settings | None = None,
    *,
    init_from: StrPath | TrainedModel | None = None,
    lexicon: StrPath | None = None,
) -> Plan:
    """Find out what a training run will take, by training on a few of its batches.

    Batches of the shortest to the longest utterances are trained on for two epochs, of which the
    second one counts; its time is scaled by the length of the audio, padding included. Nothing is
    kept.

        from speechlstm.training import plan

        print(plan(["train.jsonl"], ["valid.jsonl"]).to_text())

    The arguments are those of `recipe.train`.

    Raises:
        DataError: A manifest or the lexicon cannot be read.
        TrainingError: No utterance is usable, a recording is in a training and in a validation
            manifest, or too many losses are not finite.
        ConfigError: Settings contradict each other.
        ModelError: The model to start from is damaged.
    """
    source = as_source(init_from)
    settings = settings or (source.settings if source else Settings())
    with TemporaryDirectory(prefix="speechlstm-plan-") as name:
        folder = Path(name)
        run = prepare_run(
            folder / "run", RunManifests.read(train, valid), settings, source,
            lexicon=Path(lexicon) if lexicon else None,
        )  # fmt: skip
        words = run.read_lexicon()
        training = _Listed.of(run, run.train, words, augment=True)
        validation = _Listed.of(run, run.valid, words, augment=False)
        sample = replace(
            run,
            train=(_written(folder / "train.jsonl", training.sample()),),
            valid=(_written(folder / "valid.jsonl", validation.sample()),),
            settings=_with_few_noises(folder, settings.with_training(num_epochs=2)),
        )
        return _projected(settings, _measured(sample), training.data, validation.data)


@dataclass(frozen=True)
class _Listed:
    """The batches of manifests, as long as these say; the recordings are not read.

    Attributes:
        utterances: The transcribed ones, with their recordings.
        data: The batches; it has no samples.
    """

    utterances: Transcribed
    data: SpeechDataset

    @classmethod
    def of(
        cls, run: Run, manifests: Sequence[Path], lexicon: Lexicon | None, *, augment: bool
    ) -> "_Listed":
        """The batches of a run's manifests."""
        weights = run.settings.training.weights if augment else ()
        utterances = Transcribed(map(Manifest, manifests), weights)
        rate, settings = run.settings.features.sample_rate, run.settings
        lengths = tuple(round(utterance.duration * rate) for _, utterance in utterances)
        unknown = {i: f"{utterances[i][0]}: no duration" for i, n in enumerate(lengths) if not n}
        cache = PCMCache((), lengths, unknown)
        corpus = corpus_of(utterances, cache, run.alphabet, settings, lexicon)
        return cls(utterances, SpeechDataset(corpus, settings, augment))

    def sample(self) -> list[tuple[Path | Piece, Utterance]]:
        """The utterances of a few batches, the shortest ones to the longest."""
        batches = [self.data.examples(index) for index in range(len(self.data))]
        batches.sort(key=lambda batch: max(example.num_samples for example in batch))
        picked = np.unique(np.linspace(0, len(batches) - 1, _NUM_BATCHES).round().astype(int))
        return [self.utterances[example.index] for k in picked for example in batches[k]]


def _written(path: Path, utterances: Sequence[tuple[Path | Piece, Utterance]]) -> Path:
    """Write a manifest of recordings anywhere."""
    write_manifest(
        path,
        (
            replace(utterance, id=str(number), audio=_absolute(recording))
            for number, (recording, utterance) in enumerate(utterances)
        ),
    )
    return path


def _absolute(recording: Path | Piece) -> str:
    path = recording.path if isinstance(recording, Piece) else recording
    return address_of(path) or str(path.absolute())


def _with_few_noises(folder: Path, settings: Settings) -> Settings:
    """The settings with the first recordings of each noise manifest: decoding all takes long."""
    noises = []
    for number, path in enumerate(settings.augmentation.noise):
        manifest = Manifest(Path(path))
        first = [(manifest.recording(u), u) for u in islice(manifest, _NUM_NOISES)]
        noises.append(str(_written(folder / f"noise{number}.jsonl", first)))
    return replace(settings, augmentation=replace(settings.augmentation, noise=tuple(noises)))


@dataclass(frozen=True)
class _Measured:
    """Two epochs of a sample: the first and the second one's metrics, and the data."""

    decode_seconds: float
    first: dict[str, Any]
    second: dict[str, Any]
    num_weights: int
    train: SpeechDataset
    valid: SpeechDataset


def _measured(run: Run) -> _Measured:
    started = time.monotonic()
    corpora = load_data(run, report=lambda line: None)
    decoded = time.monotonic() - started
    trainer = Trainer(run, *corpora, report=lambda line: None)
    trainer.resume()
    first, second = trainer.train()
    num_weights = trainer.network.count_params()
    return _Measured(decoded, first, second, num_weights, trainer.train_data, trainer.valid_data)


def _projected(
    settings: Settings, sample: _Measured, train: SpeechDataset, valid: SpeechDataset
) -> Plan:
    """What all batches take, by the length of their audio."""
    seconds = train.seconds + valid.seconds
    first, second = sample.first, sample.second
    copies = SAMPLE_BYTES * train.seconds * _num_copies(settings)
    return Plan(
        num_weights=sample.num_weights,
        num_utterances=len(train.corpus.examples),
        hours=train.seconds / 3600,
        num_batches=len(train),
        padding=train.padding,
        num_epochs=settings.training.num_epochs,
        decode_seconds=sample.decode_seconds
        * seconds
        / (sample.train.seconds + sample.valid.seconds),
        start_seconds=max(0.0, first["seconds"] - second["seconds"]),
        epoch_seconds=second["seconds"] * _padded(train) / _padded(sample.train),
        valid_seconds=second["valid_seconds"] * _padded(valid) / _padded(sample.valid),
        memory=peak_memory(),
        cache_bytes=round(settings.features.sample_rate * (_BYTES_OF_SAMPLE * seconds + copies))
        if settings.training.cache
        else 0,
        run_bytes=_BYTES_OF_WEIGHT * sample.num_weights * _COPIES_OF_WEIGHTS,
        is_sample=len(sample.train) < len(train),
    )


def _num_copies(settings: Settings) -> float:
    """The mean number of an utterance's copies at other speeds at the end of the run."""
    speeds = settings.augmentation.speeds
    others = sum(speed != 1 for speed in speeds)
    return others * (1 - (1 - 1 / len(speeds)) ** settings.training.num_epochs)


def _padded(data: SpeechDataset) -> float:
    """The seconds of an epoch, padding included."""
    return data.seconds / (1 - data.padding)


def timespan(seconds: float) -> str:
    """A duration to be read, in the unit that fits.

    >>> timespan(5400)
    '90.0 min'
    """
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _size(num_bytes: float) -> str:
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.0f} MB"
