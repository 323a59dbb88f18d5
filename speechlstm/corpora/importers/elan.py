"""ELAN's .eaf: annotations of a long recording, on tiers."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from speechlstm.corpora.importers.found import Found, files_of, is_file, piece_id, recording_named
from speechlstm.errors import ManifestError, quoted
from speechlstm.storage import read_regular_file

LOOKED_FOR = ".eaf files with their recordings"
_SUFFIXES = (".eaf",)
_UNIT = "milliseconds"


def is_elan(source: Path) -> bool:
    """Whether a file is one, or a folder has one."""
    return bool(files_of(source, _SUFFIXES))


def read_elan(source: Path) -> Iterator[Found | ManifestError]:
    """The annotations with times on the tiers that depend on no other; those without text are not.

    The recording is the one that the file names, or one of the same name beside it. The speaker is
    the tier's participant, or else the tier.

    Raises:
        ManifestError: A file cannot be read.
    """
    for path in files_of(source, _SUFFIXES):
        root = _document(path)
        unit = next((h.get("TIME_UNITS", _UNIT) for h in root.iter("HEADER")), _UNIT)
        if unit != _UNIT:
            raise ManifestError(path, f"has times in {quoted(unit)}; save it with {_UNIT}")
        times = {
            slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE", "")) / 1000
            for slot in root.iter("TIME_SLOT")
            if slot.get("TIME_VALUE", "").isdecimal()
        }
        audio = _recording(path, root)
        for tier in root.iter("TIER"):
            if tier.get("PARENT_REF") is None:
                yield from _annotations(path, tier, times, audio)


def _document(path: Path) -> ElementTree.Element:
    try:
        content = read_regular_file(path, 1 << 28)
        # Without entities, nothing expands; XML of ELAN has none.
        if b"<!ENTITY" in content or b"<!DOCTYPE" in content:
            raise ManifestError(path, "declares XML entities, which ELAN does not")
        return ElementTree.fromstring(content)
    except OSError as error:
        raise ManifestError(path, f"cannot be read: {error.strerror}") from None
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ManifestError(path, f"is not XML: {error}") from None


def _annotations(
    path: Path, tier: ElementTree.Element, times: dict[str | None, float], audio: Path
) -> Iterator[Found | ManifestError]:
    name = tier.get("TIER_ID", "")
    speaker = tier.get("PARTICIPANT") or name or None
    for annotation in tier.iter("ALIGNABLE_ANNOTATION"):
        identity = annotation.get("ANNOTATION_ID", "")
        where = f"{path}: annotation {identity} of tier {name}"
        text = annotation.findtext("ANNOTATION_VALUE") or ""
        start = times.get(annotation.get("TIME_SLOT_REF1"))
        end = times.get(annotation.get("TIME_SLOT_REF2"))
        if not text.strip():
            continue
        if start is None or end is None:
            yield ManifestError(path, f"annotation {identity} of tier {name} has no times")
            continue
        unique = piece_id(f"{path.stem}-{name}", start, end)
        yield Found(where, unique, audio, text, speaker, name, start, end)


def _recording(path: Path, root: ElementTree.Element) -> Path:
    """The first medium that exists, where the file says it is or beside the file."""
    for medium in root.iter("MEDIA_DESCRIPTOR"):
        for key in ("RELATIVE_MEDIA_URL", "MEDIA_URL"):
            url = unquote(medium.get(key, "").removeprefix("file:///").removeprefix("file:"))
            if not url:
                continue
            named = url.replace("\\", "/")
            places = (path.parent / named, Path("/", named), path.parent / Path(named).name)
            for place in places:
                if is_file(place):
                    return place
    return recording_named(path.parent, path.stem, ".wav")
