"""Whether a new run should start from the model of the package or from random weights."""

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.config import NetworkConfig, Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import BundleError
from speechlstm.training.acoustic.corpus import derive_alphabet

MAX_HOURS = 10.0  # with more speech, a network that starts from random weights is as good


def better_start(
    train: Sequence[Path], config: Path | None = None, any_text: bool = False
) -> Path | None:
    """Return the model of the package if a run should start from it.

    That is the case with less than MAX_HOURS of speech, if the transcripts have no other characters
    and the settings no other features or network.

    Args:
        any_text: Whether the transcripts do not matter, since the run is that of a classifier.

    Returns:
        The path of the bundle; None to start from random weights.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance has a transcript.
        ConfigError: The settings cannot be read.
        BundleError: The model of the package is damaged.
    """
    try:
        path = default_bundle()
    except BundleError:  # this installation has no model
        return None
    acoustic = read_bundle(path).acoustic
    theirs = Settings(features=acoustic.features, model=acoustic.network)
    ours = Settings.read(config, theirs) if config else theirs
    same = ours.features == theirs.features and _shape(ours.model) == _shape(theirs.model)
    manifests = [Manifest(manifest) for manifest in train]
    durations = (utterance.duration for manifest in manifests for utterance in manifest)
    if not same or any(seconds >= 3600 * MAX_HOURS for seconds in accumulate(durations)):
        return None
    if any_text:
        return path
    symbols = set(derive_alphabet(manifests).symbols)
    return path if symbols <= set(acoustic.alphabet.symbols) else None


def _shape(network: NetworkConfig) -> tuple[object, ...]:
    """The settings that determine the shapes of the weights."""
    return (
        network.cell, network.bidirectional, network.num_layers, network.num_units,
        network.layer_norm, network.frame_stack,
    )  # fmt: skip
