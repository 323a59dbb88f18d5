"""Parts of a manifest that share no speaker and no sentence."""

import random
from collections import defaultdict
from pathlib import Path

from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import ManifestError


def split_manifest(
    manifest: Manifest, share: float, seed: int
) -> tuple[list[Utterance], list[Utterance]]:
    """Parts a manifest in two, no speaker in both; an utterance without one is its own speaker.

    Args:
        manifest: The manifest.
        share: Of the audio, for the second part, in (0, 1); met as nearly as whole speakers allow.
        seed: The same seed and manifest give the same parts, whatever the order of the lines.

    Returns:
        The larger part, to train on, and the part to validate with; in the manifest's order.

    Raises:
        ManifestError: As in iterating over the manifest; or it has one speaker only.
    """
    utterances = list(manifest)
    seconds: defaultdict[tuple[bool, str], float] = defaultdict(float)
    for utterance in utterances:
        seconds[_voice(utterance)] += utterance.duration
    if len(seconds) < 2:
        raise ManifestError(
            manifest.path,
            "has one speaker only, who cannot be in both parts; leave the speaker out of its lines "
            "to split by utterance",
        )
    wanted = share * sum(seconds.values())
    voices = sorted(seconds)
    random.Random(seed).shuffle(voices)
    chosen = set()
    for voice in voices[1:]:  # the first is left to train on
        if seconds[voice] < 2 * wanted:  # brings the part nearer to its size
            chosen.add(voice)
            wanted -= seconds[voice]
    chosen = chosen or {min(voices, key=lambda voice: seconds[voice])}
    return (
        [u for u in utterances if _voice(u) not in chosen],
        [u for u in utterances if _voice(u) in chosen],
    )


def write_split(
    manifest: Manifest, share: float, seed: int, train: Path, valid: Path
) -> tuple[list[Utterance], list[Utterance]]:
    """Writes what split_manifest parts as two manifests, and returns it; see there."""
    parts = split_manifest(manifest, share, seed)
    for path, part in zip((train, valid), parts, strict=True):
        write_manifest(path, (manifest.moved_to(path.parent, u) for u in part))
    return parts


def _voice(utterance: Utterance) -> tuple[bool, str]:
    """What a split keeps together: a speaker, or an utterance whose speaker is not known."""
    if utterance.speaker is None:
        return False, utterance.id
    return True, utterance.speaker
