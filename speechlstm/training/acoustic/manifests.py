"""The manifests of a run, and the data that they list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from speechlstm.arguments import StrPath
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.corpora.overlap import first_overlap
from speechlstm.errors import ConfigError, TrainingError, counted
from speechlstm.training.acoustic.corpus import Corpus
from speechlstm.training.acoustic.run import SpeechRun
from speechlstm.training.data.augment import load_noise

Paths = StrPath | Sequence[StrPath]


@dataclass(frozen=True)
class RunManifests:
    """The manifests of a run, which have been read and share no recording."""

    train: Sequence[Manifest]
    valid: Sequence[Manifest]

    @property
    def paths(self) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """The paths of the training and of the validation manifests."""
        train, valid = (tuple(m.path for m in manifests) for manifests in (self.train, self.valid))
        return train, valid

    @classmethod
    def read(cls, train: Paths, valid: Paths) -> "RunManifests":
        """Read manifests, one or several of each kind.

        Raises:
            ManifestError: A manifest cannot be read.
            TrainingError: A recording is in manifests of both kinds.
        """
        read = cls(
            *([Manifest(path) for path in paths] for paths in map(_as_paths, (train, valid)))
        )
        if found := first_overlap(read.train, read.valid):
            manifest, utterance = found
            raise TrainingError(
                f"{manifest.path}: the recording of {utterance.id} is in a training manifest, "
                "too; separate them with: speechlstm manifest split"
            )
        return read

    def check_weights(self, settings: Settings) -> None:
        """Refuse, by ConfigError, weights of more or fewer training manifests than there are."""
        weights = settings.training.weights
        if weights and len(weights) != len(self.train):
            given = f"{len(weights)} for {counted(len(self.train), 'manifest')}"
            raise ConfigError(
                f"training.weights: needs one for each training manifest, has {given}"
            )


def _as_paths(paths: Paths) -> tuple[Path, ...]:
    """One path or several, as several."""
    return (Path(paths),) if isinstance(paths, str | PathLike) else tuple(map(Path, paths))


def load_data(
    run: SpeechRun[Any],
    report: Callable[[str], None],
    cache: Path | None = None,
    progress: bool = False,
    manifests: RunManifests | None = None,
) -> tuple[Corpus, Corpus]:
    """Load the training and the validation data of a run; decodes recordings that are not cached.

    Args:
        run: The run; unusable utterances are listed in its refused.txt.
        cache: Folder for decoded recordings; by default a folder in the run.
        manifests: The manifests, if they have been read already.

    Returns:
        The training corpus and the validation corpus.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable, or a recording is in manifests of both kinds.
    """
    cache = cache or run.path / "cache"
    manifests = manifests or RunManifests.read(run.train, run.valid)
    weights = run.settings.training.weights
    train = run.load_corpus(manifests.train, cache, progress, weights)
    valid = run.load_corpus(manifests.valid, cache, progress)
    refused = [*train.refused, *valid.refused]
    settings = run.settings
    noise = load_noise(settings.augmentation, settings.features.sample_rate, cache, progress)
    if noise:
        train = replace(train, noise=noise)
        refused += noise.failures.values()
    run.refused.unlink(missing_ok=True)
    if refused:
        run.refuse(refused)
        report(
            f"warning: {counted(len(refused), 'recording')} cannot be used, the first: "
            f"{refused[0]}; all of them are listed in {run.refused}"
        )
    return train, valid
