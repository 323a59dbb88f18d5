"""Splits a manifest into two without a common speaker or sound, or a common recording."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.overlap import ROUNDING
from speechlstm.errors import ManifestError

_Unit = tuple[bool, str]


def voice_of(utterance: Utterance) -> _Unit:
    """What stays together in splits: a speaker, or, if that is not known, a recording."""
    if utterance.speaker is not None:
        return True, utterance.speaker
    return False, utterance.id if utterance.offset is None else utterance.audio


def itself(utterance: Utterance) -> _Unit:
    """In place of voice_of: nothing stays together but what overlaps."""
    return False, utterance.id


def units_of(
    utterances: Sequence[Utterance], together: Callable[[Utterance], _Unit] = voice_of
) -> list[_Unit]:
    """The unit of each utterance; those with a common sound, as pieces that overlap, have the same.

    >>> a, b = (Utterance(f"{n}", "a.wav", 2.0, speaker=f"{n}", offset=1.0 * n) for n in (1, 2))
    >>> units_of([a, b])
    [(True, '1'), (True, '1')]
    """
    units = [together(utterance) for utterance in utterances]
    same: dict[_Unit, _Unit] = {}  # of each unit that has been joined to another, that one

    def joined(unit: _Unit) -> _Unit:
        while unit in same:
            unit = same[unit]
        return unit

    spans = sorted(
        (u.audio, 0.0, math.inf, index)
        if u.offset is None
        else (u.audio, u.offset, u.offset + u.duration - ROUNDING, index)
        for index, u in enumerate(utterances)
    )
    audio, last_end, last = "", -math.inf, (False, "")
    for recording, start, end, index in spans:
        unit = joined(units[index])
        if recording != audio:
            last_end = -math.inf
        if start < last_end:
            first, second = sorted((unit, joined(last)))
            if first != second:
                same[second] = first
        audio, last_end, last = recording, max(last_end, end), unit
    return [joined(unit) for unit in units]


def split_manifest(
    manifest: Manifest, share: float, seed: int, together: Callable[[Utterance], _Unit] = voice_of
) -> tuple[list[Utterance], list[Utterance]]:
    """Split a manifest in two, with no speaker in both, and no sound.

    An utterance without a speaker counts as a speaker of its own, pieces of a recording without a
    speaker as one. If there is but one such recording, its pieces are drawn one by one.

    >>> from tempfile import TemporaryDirectory
    >>> utterances = [Utterance(f"{who}1", f"{who}.wav", 2.0, speaker=who) for who in "abcd"]
    >>> with TemporaryDirectory() as folder:
    ...     write_manifest(Path(folder, "all.jsonl"), utterances)
    ...     train, valid = split_manifest(Manifest(Path(folder, "all.jsonl")), 0.25, seed=1)
    >>> len(train), len(valid)
    (3, 1)

    Args:
        share: The share of audio for the second part, in (0, 1); met as closely as whole speakers
            allow.
        seed: The same seed and manifest give the same split, for any order of the lines.
        together: What stays together: voice_of, or itself.

    Returns:
        The larger part (for training) and the smaller part (for validation), in the manifest's
        order.

    Raises:
        ManifestError: As in iterating over the manifest, or it has only one speaker.
    """
    utterances = manifest.utterances
    units = units_of(utterances, together)
    if len(set(units)) < 2 and all(utterance.speaker is None for utterance in utterances):
        units = units_of(utterances, itself)
    seconds: defaultdict[_Unit, float] = defaultdict(float)
    for unit, utterance in zip(units, utterances, strict=True):
        seconds[unit] += utterance.duration
    if len(utterances) < 2:
        raise ManifestError(manifest.path, "has one utterance, which cannot be in both parts")
    if len(seconds) < 2:
        speakers = {utterance.speaker for utterance in utterances}
        raise ManifestError(
            manifest.path,
            "has only one speaker, who cannot be in both parts; to split by utterance, remove the "
            "speaker from its lines"
            if len(speakers) == 1 and None not in speakers
            else "its utterances overlap, or are of the same speakers, from the first to the last, "
            "so none can be in another part; remove pieces that overlap",
        )
    wanted = share * sum(seconds.values())
    voices = sorted(seconds)
    random.Random(seed).shuffle(voices)
    chosen = set()
    for voice in voices[1:]:  # the first one is always for training
        if seconds[voice] < 2 * wanted:  # closer to the wanted size with than without it
            chosen.add(voice)
            wanted -= seconds[voice]
    chosen = chosen or {min(voices, key=lambda voice: seconds[voice])}
    parts: tuple[list[Utterance], list[Utterance]] = [], []
    for unit, utterance in zip(units, utterances, strict=True):
        parts[unit in chosen].append(utterance)
    return parts


def split_recordings(
    manifest: Manifest, share: float, seed: int
) -> tuple[list[Utterance], list[Utterance]]:
    """Split the recordings of each speaker in two, with no recording in both.

    So speakers can be told apart in recordings that a network has not heard. A speaker with a
    single recording is in the first part only.

    >>> from tempfile import TemporaryDirectory
    >>> utterances = [Utterance(f"a{n}", f"a{n}.wav", 2.0, speaker="a") for n in range(4)]
    >>> with TemporaryDirectory() as folder:
    ...     write_manifest(Path(folder, "all.jsonl"), utterances)
    ...     train, valid = split_recordings(Manifest(Path(folder, "all.jsonl")), 0.25, seed=1)
    >>> len(train), len(valid)
    (3, 1)

    Args:
        share: The share of each speaker's audio for the second part, in (0, 1); met as closely as
            whole recordings allow.
        seed: As for split_manifest.

    Returns:
        As split_manifest.

    Raises:
        ManifestError: As in iterating over the manifest, or no recording can be in the second part.
    """
    utterances = list(manifest)
    seconds: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for utterance in utterances:
        seconds[utterance.speaker or ""][utterance.audio] += utterance.duration
    kept: set[str] = set()  # always for training: one of each speaker, who may share it
    orders = {}
    for speaker, recordings in sorted(seconds.items()):
        orders[speaker] = order = sorted(recordings)
        random.Random(f"{seed} {speaker}").shuffle(order)
        kept.add(order[0])
    chosen: set[str] = set()
    for speaker, order in orders.items():
        recordings = seconds[speaker]
        wanted = share * sum(recordings.values())
        for recording in order[1:]:
            if recording not in kept and recordings[recording] < 2 * wanted:
                chosen.add(recording)
                wanted -= recordings[recording]
    if not chosen:
        if max(map(len, orders.values())) < 2:
            reason = "no speaker has two recordings, one for each part; add recordings"
        else:
            reason = (
                f"no recording can be spared: each is too long for a share of {share:g} of its "
                "speaker's audio, or has all that there is of a speaker; give a larger share "
                "(--valid), or add recordings"
            )
        raise ManifestError(manifest.path, reason)
    return (
        [u for u in utterances if u.audio not in chosen],
        [u for u in utterances if u.audio in chosen],
    )


def write_split(
    manifest: Manifest,
    share: float,
    seed: int,
    train: Path,
    valid: Path,
    by: Literal["speaker", "recording"] = "speaker",
) -> tuple[list[Utterance], list[Utterance]]:
    """Write the parts of split_manifest or split_recordings as manifests, and return them."""
    split = split_manifest if by == "speaker" else split_recordings
    parts = split(manifest, share, seed)
    for path, part in zip((train, valid), parts, strict=True):
        write_manifest(path, (manifest.moved_to(path.parent, u) for u in part))
    return parts
