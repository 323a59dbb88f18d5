"""Whether a new run had better start from the model of the package than from nothing."""

from collections.abc import Sequence
from pathlib import Path

from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.config import NetworkConfig, Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import BundleError
from speechlstm.training.acoustic.corpus import derive_alphabet

MAX_HOURS = 10.0  # with more speech than that, a network of one's own is as good


def better_start(train: Sequence[Path], config: Path | None = None) -> Path | None:
    """The model of the package, if a run can start from it and is too small to do without it.

    That is, with less than MAX_HOURS of speech, whose transcripts have no other characters, and
    settings that ask for no other features or network.

    Args:
        train: Manifests to learn from.
        config: The settings' file.

    Returns:
        The bundle; None: start from fresh weights.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance has a transcript.
        ConfigError: The settings cannot be read.
        BundleError: The model of the package is damaged.
    """
    try:
        path = default_bundle()
    except BundleError:  # this installation has none
        return None
    acoustic = read_bundle(path).acoustic
    theirs = Settings(features=acoustic.features, model=acoustic.network)
    ours = Settings.read(config, theirs) if config else theirs
    same = ours.features == theirs.features and _shape(ours.model) == _shape(theirs.model)
    manifests = [Manifest(manifest) for manifest in train]
    seconds = sum(utterance.duration for manifest in manifests for utterance in manifest)
    if not same or seconds >= 3600 * MAX_HOURS:
        return None
    symbols = set(derive_alphabet(manifests).symbols)
    return path if symbols <= set(acoustic.alphabet.symbols) else None


def _shape(network: NetworkConfig) -> tuple[object, ...]:
    """What decides which weights a network has."""
    return (
        network.cell, network.bidirectional, network.num_layers, network.num_units,
        network.layer_norm, network.frame_stack,
    )  # fmt: skip
