"""Finds recordings that two manifests have in common."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from speechlstm.audio import Piece
from speechlstm.corpora.manifest import Manifest, Utterance


def first_overlap(others: Sequence[Manifest], manifest: Manifest) -> Utterance | None:
    """The first utterance of a manifest whose sound is in one of the others, too, if there is one.

    Different pieces of a recording are different sounds, unless they overlap.

    Raises:
        ManifestError: As in iterating over a manifest.
    """
    spans: defaultdict[Path, list[tuple[float, float]]] = defaultdict(list)
    for other in others:
        for _, path, start, end in _placed(other):
            spans[path].append((start, end))
    for utterance, path, start, end in _placed(manifest):
        if any(start < last and first < end for first, last in spans.get(path, [])):
            return utterance
    return None


def _placed(manifest: Manifest) -> Iterator[tuple[Utterance, Path, float, float]]:
    """Each utterance, its recording, and where it begins and ends in that, in seconds."""
    for utterance in manifest:
        found = manifest.recording(utterance)
        if isinstance(found, Piece):
            yield utterance, found.path.resolve(), found.start, found.end
        else:
            yield utterance, found.resolve(), 0.0, math.inf
