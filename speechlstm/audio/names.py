"""Names of recordings: the suffixes of their files, and what they are called without them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from speechlstm.storage import without_query
from speechlstm.transcript.formats import ctm_field

# The format itself is detected from the content.
AUDIO_SUFFIXES = (
    *(".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2", ".mpga", ".aif", ".aiff"),
    *(".aifc", ".au", ".snd", ".caf", ".w64", ".rf64", ".sph", ".nist", ".voc", ".m4a", ".m4b"),
    *(".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv", ".mka", ".aac", ".wma", ".3gp", ".amr"),
    *(".spx", ".ac3", ".wv"),
)
# Recordings with the others are read if they are named, but not searched for in folders.
RECORDING_SUFFIXES = frozenset(
    (
        *(*AUDIO_SUFFIXES, ".raw", ".pcm", ".tta", ".ape", ".tak", ".mpc", ".shn", ".dsf", ".dts"),
        *(".eac3", ".gsm", ".ra", ".rm", ".m4r", ".flv", ".f4v", ".nut", ".mpg", ".mpeg", ".ts"),
        *(".mts", ".m2ts", ".vob", ".wmv", ".asf", ".ogv", ".ogx", ".3g2", ".3gpp", ".qt", ".mxf"),
    )
)


def without_suffix(name: PurePath) -> PurePath:
    """A recording's name without the suffix of its file. What else follows a dot is its own.

    >>> without_suffix(PurePath("talk.v2.mp3")).name, without_suffix(PurePath("call.1")).name
    ('talk.v2', 'call.1')
    """
    return name.with_suffix("") if name.suffix.lower() in RECORDING_SUFFIXES else name


def recording_ids(files: Sequence[str]) -> list[str]:
    """Unique names of recordings for CTM and RTTM files, if possible without folder and suffix.

    If files differ only in their folder or suffix, the names keep as much of these as makes them
    unique; if a file is given twice, its names are numbered. (The manual of sclite, "infmts", asks
    for names without suffix.)

    >>> recording_ids(["talks/one.wav", "yes/a.wav", "no/a.wav"])
    ['one', 'yes/a', 'no/a']
    """
    paths = [PurePath(without_query(file)) for file in files]
    names = {path: _shorter_names(path) for path in paths}
    counts = Counter(name for shorter in names.values() for name in {*shorter})
    shortest = {
        path: next((name for name in shorter if counts[name] == 1), shorter[-1])
        for path, shorter in names.items()
    }
    ids: dict[str, None] = {}
    for path in paths:
        name, number = shortest[path], 1
        while name in ids or (number > 1 and name in shortest.values()):
            number += 1
            name = f"{shortest[path]}-{number}"
        ids[name] = None
    return list(ids)


def _shorter_names(path: PurePath) -> list[str]:
    """The ends of a path as CTM fields: the shortest first, those with the suffix last."""
    ends = [
        PurePath(*whole.parts[-depth:]).as_posix()
        for whole in (without_suffix(path), path)
        for depth in range(1, 1 + len(whole.parts))
    ]
    return [ctm_field(end) for end in ends or [str(path)]]
