"""Builds manifests from corpora in the layouts of others: see `speechlstm.corpora.importers`."""

import math
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from speechlstm.audio import END_TOLERANCE, MIN_SECONDS, read_duration
from speechlstm.corpora.importers.found import Found
from speechlstm.corpora.importers.kinds import KINDS, Kind
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DataError, quoted, writable
from speechlstm.parallel import Progress, map_in_processes, no_progress


def kind_of(source: Path, name: str | None = None) -> Kind:
    """The kind of a corpus: the one named, or the only one whose layout it has.

    >>> kind_of(Path("data/samples"))
    Traceback (most recent call last):
    speechlstm.errors.DataError: data/samples: has the layout of no known kind of corpus: ...

    Args:
        name: A key of KINDS; None: to be found out.

    Raises:
        DataError: The source does not exist, is not of the kind, or is of none or several.
    """
    if not source.exists():
        raise DataError(f"{source}: no such file or folder")
    if name is not None:
        if not KINDS[name].fits(source):
            raise DataError(f"{source}: is not {name}; looked for {KINDS[name].looked_for}")
        return KINDS[name]
    fitting = [kind for kind in KINDS.values() if kind.fits(source)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(kind.name for kind in fitting or KINDS.values())
    found = "could be any of" if fitting else "has the layout of no known kind of corpus:"
    hint = "name one" if fitting else "recordings with .txt files beside them: manifest build"
    if not fitting and source.suffix.lower() in (".csv", ".tsv", ".txt"):
        hint = "in a table, name the columns wav_filename and transcript, and save it as .csv"
    raise DataError(f"{source}: {found} {known}; {hint}")


def import_corpus(
    kind: Kind,
    source: Path,
    destination: Path,
    parts: Collection[str] = (),
    jobs: int = 1,
    progress: Progress = no_progress,
) -> Iterator[Utterance | DataError]:
    """The utterances of a corpus, for a manifest.

    Texts stay as they are, but for white space. Durations are read from the recordings.

    Args:
        destination: The folder of the manifest, which audio paths are relative to.
        parts: The splits or tiers that are wanted; (): all. Several tiers of a TextGrid are its
            speakers.
        jobs: The largest number of processes that look at the recordings.

    Yields:
        In the order of the lists: an utterance, or the error for which one is left out: no
        recording, no text, times outside the recording, an id that is already taken.

    Raises:
        DataError: A list cannot be read, or the parts are not those of the corpus.
    """
    listed = list(_wanted(kind, source, list(kind.read(source)), parts))
    paths = (found.audio for found in listed if isinstance(found, Found))
    durations = map_in_processes(_load_duration, paths, jobs)
    places: dict[str, str] = {}
    for found in progress(listed, len(listed), "recordings"):
        if isinstance(found, DataError):
            yield found
            continue
        try:
            utterance = _utterance(found, next(durations), destination)
            if utterance.id in places:
                place = places[utterance.id]
                raise DataError(f"{found.where}: id {quoted(utterance.id)} is already at {place}")
        except DataError as error:
            yield error
        else:
            places[utterance.id] = found.where
            yield utterance


def parts_of(listed: Iterable[Found | DataError]) -> list[str]:
    """The names of the splits or tiers, in the order in which they appear."""
    names = (found.part for found in listed if isinstance(found, Found))
    return list(dict.fromkeys(name for name in names if name is not None))


def _wanted(
    kind: Kind, source: Path, listed: list[Found | DataError], parts: Collection[str]
) -> Iterator[Found | DataError]:
    known = parts_of(listed)
    names = ", ".join(known) or "none"
    if unknown := [part for part in parts if part not in known]:
        raise DataError(f"{source}: has no part {quoted(unknown[0])}; it has {names}")
    if kind.chooses_part and len(known) > 1 and not parts:
        raise DataError(
            f"{source}: has the tiers {names}; choose with --part; several are speakers"
        )
    are_speakers = kind.chooses_part and len(parts) > 1
    for found in listed:
        if isinstance(found, DataError) or not parts:
            yield found
        elif found.part in parts and are_speakers:
            yield replace(found, id=f"{found.part}-{found.id}", speaker=found.part)
        elif found.part in parts:
            yield found


def _load_duration() -> Callable[[Path], float | DataError]:
    return lru_cache(maxsize=256)(_duration)  # pieces of a recording come one after the other


def _duration(path: Path) -> float | DataError:
    try:
        return read_duration(path)
    except DataError as error:
        return error


def _utterance(found: Found, seconds: float | DataError, destination: Path) -> Utterance:
    """Raises DataError if it cannot be used."""
    if isinstance(seconds, DataError):
        raise DataError(f"{found.where}: {seconds}")
    text = " ".join(found.text.split())
    if not text:
        raise DataError(f"{found.where}: {found.id}: has no text")
    if not found.id:
        raise DataError(f"{found.where}: has no id")
    audio = os.path.relpath(found.audio.absolute(), destination.resolve())
    names = f"{found.id}{audio}{found.speaker or ''}"
    if writable(names) != names:
        reason = "has a name that is not UTF-8 or has control characters; rename it"
        raise DataError(f"{found.where}: {reason}")
    if found.start is None:
        return Utterance(found.id, audio, round(seconds, 3), text, found.speaker)
    end = seconds if found.end is None else found.end
    if not (0 <= found.start < end < math.inf) or end - found.start < MIN_SECONDS:
        times = f"{found.start:g} to {end:g} s"
        raise DataError(f"{found.where}: {found.id}: {times} is not a piece of {MIN_SECONDS} s")
    if end > seconds + END_TOLERANCE:
        reason = f"ends at {end:.2f} s, {found.audio} at {seconds:.2f} s"
        raise DataError(f"{found.where}: {found.id}: {reason}")
    duration = round(min(end, seconds) - found.start, 3)
    return Utterance(found.id, audio, duration, text, found.speaker, round(found.start, 3))
