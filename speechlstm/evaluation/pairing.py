"""Pairs the names that two files have for the same recordings or utterances."""

from collections.abc import Callable, Collection
from itertools import product
from unicodedata import normalize

from speechlstm.audio import AUDIO_SUFFIXES
from speechlstm.corpora.manifest import MANIFEST_SUFFIXES
from speechlstm.evaluation.nist_files import NIST_FORMATS
from speechlstm.transcript.formats import SUFFIXES, ctm_field

# What may follow the last dot of a name without telling one recording from another; in `call.1` and
# `call.2` it does.
_FILE_SUFFIXES = frozenset(
    (
        *(*AUDIO_SUFFIXES, *SUFFIXES, *MANIFEST_SUFFIXES, *NIST_FORMATS),
        # Read if they are named, but not searched for in folders.
        *(".raw", ".pcm", ".flv", ".tta", ".nut", ".mpg", ".mpeg", ".ts", ".eaf"),
    )
)

ToKey = Callable[[str], str]


def common_keys(references: Collection[str], hypotheses: Collection[str]) -> tuple[ToKey, ToKey]:
    """The parts of the ids that have to agree so that as many ids as possible have a counterpart.

    `recordings/anna/1.wav` in one file matches `anna/1` in the other if no other id ends so.
    """
    ids = (*references, *hypotheses)
    depth = 1 + max((id_.count("/") + id_.count("\\") for id_ in ids), default=0)
    best: tuple[ToKey, ToKey] = (str, str)
    most = len({*references} & {*hypotheses})
    for num_parts in range(depth, 0, -1):
        for strips in product((False, True), repeat=2):
            if most == min(len(references), len(hypotheses)):
                return best
            keys = tuple(_path_key(num_parts, strip) for strip in strips)
            expected, found = {*map(keys[0], references)}, {*map(keys[1], hypotheses)}
            is_unique = len(expected) == len(references) and len(found) == len(hypotheses)
            if is_unique and len(expected & found) > most:
                best, most = (keys[0], keys[1]), len(expected & found)
    return best


def _path_key(num_parts: int, strips_suffix: bool) -> ToKey:
    def key(name: str) -> str:
        plain = ctm_field(normalize("NFC", name))
        *folders, last = plain.replace("\\", "/").split("/")
        stem, dot, suffix = last.rpartition(".")
        is_file = stem and f"{dot}{suffix.lower()}" in _FILE_SUFFIXES
        return "/".join([*folders, stem if strips_suffix and is_file else last][-num_parts:])

    return key
