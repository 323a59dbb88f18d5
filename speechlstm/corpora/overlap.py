"""Finds recordings that manifests have in common."""

import math
import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from functools import cache
from itertools import accumulate

from speechlstm.corpora.manifest import Manifest, Utterance, place_of
from speechlstm.storage import Member, address_in

ROUNDING = 1e-3  # seconds: what ends when the next piece begins may seem to end just after it

_Span = tuple[float, float]  # where a sound begins and ends in its recording, in seconds


def first_overlap(
    others: Sequence[Manifest], manifests: Sequence[Manifest]
) -> tuple[Manifest, Utterance] | None:
    """The first utterance of manifests whose sound is in one of the others, too, if there is one.

    Different pieces of a recording are different sounds, unless they overlap.

    Returns:
        The manifest and its utterance.

    Raises:
        ManifestError: As in iterating over a manifest.
    """
    wanted = {path for manifest in manifests for path, _ in _placed(manifest)}
    names = {os.path.basename(path) for path in wanted}  # noqa: PTH119
    spans: defaultdict[str, list[_Span]] = defaultdict(list)
    for other in others:
        for path, span in _placed(other, names):
            if path in wanted:
                spans[path].append(span)
    starts, latest_ends = {}, {}
    for path, found in spans.items():
        found.sort()
        starts[path] = [start for start, _ in found]
        latest_ends[path] = list(accumulate((end for _, end in found), max))
    for manifest in manifests:
        for index, (path, (start, end)) in enumerate(_placed(manifest)):
            num_earlier = bisect_left(starts.get(path, []), end)  # that begin before its end
            if num_earlier and latest_ends[path][num_earlier - 1] > start:
                return manifest, manifest.utterances[index]
    return None


def _placed(manifest: Manifest, names: Set[str] | None = None) -> Iterator[tuple[str, _Span]]:
    """The path of each utterance's recording, without links, and where it lies in that.

    With names, most paths that end in none of them are left out, which takes half of the time.
    """
    # For a million recordings, Path.resolve would take a minute, and islink several seconds.
    parent, resolved, links = str(manifest.folder), cache(_resolved), cache(_links)
    listed = manifest.utterances

    @cache
    def keeps_names(folder: str) -> bool:
        """Whether the names in a folder, as the manifest has it, are those in the paths."""
        return not address_in(parent, folder) and not links(place_of(folder, parent))

    columns = zip(listed.audio, listed.offsets, listed.durations, strict=True)
    for audio, offset, duration in columns:
        if names is not None and os.sep == "/" and ".tar" not in audio:
            folder, slash, name = audio.rpartition("/")
            if name not in names and keeps_names(folder + slash):
                continue
        place = place_of(audio, parent)
        member = Member.named(place)
        file = member.archive if member else place
        folder, name = os.path.split(file)
        path = f"{resolved(folder)}{name}"
        if name in links(folder):
            path = os.path.realpath(path)
        path += place[len(file) :]
        yield (
            path,
            (0.0, math.inf) if math.isnan(offset) else (offset, offset + duration - ROUNDING),
        )


def _resolved(folder: str) -> str:
    """The path of a folder, without links, up to its last separator."""
    return os.path.join(os.path.realpath(folder), "")  # noqa: PTH118


def _links(folder: str) -> frozenset[str]:
    """The names of the symbolic links in a folder."""
    try:
        with os.scandir(folder or os.curdir) as entries:
            return frozenset(entry.name for entry in entries if entry.is_symlink())
    except OSError:
        return frozenset()  # an address, or no folder
