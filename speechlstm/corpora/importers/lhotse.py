"""lhotse's cuts: JSON lines, which may be compressed, with recordings and supervisions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from speechlstm.corpora.importers.found import Found, first_existing
from speechlstm.corpora.importers.json_lines import first_object, name_of, objects
from speechlstm.errors import ManifestError, quoted

LOOKED_FOR = "JSON lines of MonoCuts with their recording and supervisions"


def is_lhotse(source: Path) -> bool:
    """Whether the first line of a file is a cut."""
    values = first_object(source)
    return str(values.get("type", "")).endswith("Cut") and "duration" in values


def read_lhotse(source: Path) -> Iterator[Found | ManifestError]:
    """The supervisions of cuts, each as a piece of its recording.

    Paths are relative to the working folder, as in lhotse, or to the folder of the cuts.

    Raises:
        ManifestError: The file cannot be read.
    """
    for number, cut in objects(source):
        if isinstance(cut, ManifestError):
            yield cut
            continue
        try:
            yield from _supervisions(source, number, cut)
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            reason = f"is not a cut as lhotse writes it ({type(error).__name__}: {error})"
            yield ManifestError(source, reason, number)


def _supervisions(
    source: Path, number: int, cut: dict[str, Any]
) -> Iterator[Found | ManifestError]:
    if fault := _fault(cut):
        yield ManifestError(source, fault, number)
        return
    recording = cut["recording"]
    audio = first_existing(recording["sources"][0]["source"], [Path(), source.parent])
    supervisions = cut["supervisions"]
    for supervision in supervisions:
        start: float | None = cut["start"] + supervision["start"]
        end: float | None = cut["start"] + supervision["start"] + supervision["duration"]
        if start == 0 and abs((end or 0.0) - recording["duration"]) < 1e-3:
            start = end = None
        identity = name_of(cut["id"] if len(supervisions) == 1 else supervision["id"]) or ""
        text, speaker = supervision.get("text") or "", name_of(supervision.get("speaker"))
        if not isinstance(text, str):
            yield ManifestError(source, f"{identity}: its text is no string", number)
            continue
        yield Found(f"{source}:{number}", identity, audio, text, speaker, None, start, end)


def _fault(cut: dict[str, Any]) -> str | None:
    """Why a cut is not a piece of one file."""
    if cut.get("type") != "MonoCut":
        return f"is a {quoted(cut.get('type'))}; only MonoCuts can be pieces of recordings"
    recording = cut["recording"]
    if recording.get("transforms"):
        return "its recording is transformed; save the audio first: cuts.save_audios"
    (first, *others) = recording["sources"]
    if others or first["type"] != "file":
        return f"its recording is a {quoted(first['type'])}, not a file; save it: cuts.save_audios"
    if len(first["channels"]) > 1:
        return "its recording has several channels; save one of them: cuts.save_audios"
    return None
