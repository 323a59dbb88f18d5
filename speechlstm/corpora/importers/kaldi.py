"""A data folder of Kaldi: wav.scp, text, and if there are, utt2spk and segments."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, first_existing, numbered_lines
from speechlstm.errors import DataError, ManifestError, quoted

LOOKED_FOR = "wav.scp and text"


def is_kaldi(source: Path) -> bool:
    """Whether a folder is one."""
    return (source / "wav.scp").is_file() and (source / "text").is_file()


def read_kaldi(source: Path) -> Iterator[Found | DataError]:
    """The utterances of a data folder; with segments, they are pieces of the recordings.

    Recordings that a command makes, or that are in an archive, are errors: nothing is run. Paths
    are relative to the working folder, or to the folder itself or one above it.

    Raises:
        ManifestError: A file cannot be read.
    """
    speakers = dict(_fields(source / "utt2spk")) if (source / "utt2spk").exists() else {}
    recordings = _recordings(source)
    segments = _segments(source) if (source / "segments").exists() else None
    texts = source / "text"
    for number, line in numbered_lines(texts):
        name, text = [*line.split(None, 1), ""][:2]
        where = f"{texts}:{number}"
        times: tuple[float | None, float | None] = (None, None)
        recording = name
        if segments is not None:
            segment = segments.get(name)
            if isinstance(segment, ManifestError) or segment is None:
                yield segment or DataError(f"{where}: {quoted(name)} is not in segments")
                continue
            recording, *times_found = segment
            times = (times_found[0], times_found[1])
        audio = recordings.get(recording)
        if not isinstance(audio, Path):
            yield audio or DataError(f"{where}: recording {quoted(recording)} is not in wav.scp")
            continue
        speaker = speakers.get(name, "").strip() or None
        yield Found(where, name, audio, text, speaker, None, *times)


def _fields(path: Path) -> Iterator[tuple[str, str]]:
    for _, line in numbered_lines(path):
        name, *rest = line.split(None, 1)
        yield name, rest[0] if rest else ""


def _recordings(source: Path) -> dict[str, Path | ManifestError]:
    found: dict[str, Path | ManifestError] = {}
    scp = source / "wav.scp"
    for number, line in numbered_lines(scp):
        name, *rest = line.split(None, 1)
        entry = rest[0].strip() if rest else ""
        offset = entry.rpartition(":")[2]
        if entry.endswith("|"):
            reason = (
                f"is made by a command ({quoted(entry)}), which is not run; write the recording "
                "into a file and its path here"
            )
            found[name] = ManifestError(scp, reason, number)
        elif ".ark:" in entry and offset.isdecimal():
            reason = f"is in an archive ({quoted(entry)}); write the recording into a file"
            found[name] = ManifestError(scp, reason, number)
        elif not entry:
            found[name] = ManifestError(scp, "has no path", number)
        else:
            folders = [source, Path(), *source.absolute().parents]
            found[name] = first_existing(entry, folders)
    return found


def _segments(source: Path) -> dict[str, tuple[str, float, float | None] | ManifestError]:
    found: dict[str, tuple[str, float, float | None] | ManifestError] = {}
    path = source / "segments"
    for number, line in numbered_lines(path):
        name, *rest = line.split()
        try:
            recording, start, end = rest[0], float(rest[1]), float(rest[2])
        except (IndexError, ValueError):
            reason = "must be utterance, recording, start and end in seconds"
            found[name] = ManifestError(path, reason, number)
        else:
            found[name] = recording, start, None if end == -1 else end  # -1: to the end
    return found
