"""Pairs the names that two files have for the same recordings or utterances."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import product
from unicodedata import normalize

from speechlstm.audio import RECORDING_SUFFIXES
from speechlstm.corpora.manifest import MANIFEST_SUFFIXES
from speechlstm.evaluation.nist_files import NIST_FORMATS
from speechlstm.transcript.formats import SUFFIXES, ctm_field

# What may follow the last dot of a name without telling one recording from another; in `call.1` and
# `call.2` it does.
_FILE_SUFFIXES = RECORDING_SUFFIXES.union(SUFFIXES, MANIFEST_SUFFIXES, NIST_FORMATS, [".eaf"])

ToKey = Callable[[str], str]


def common_keys(references: Collection[str], hypotheses: Collection[str]) -> tuple[ToKey, ToKey]:
    """The parts of the ids that have to agree so that as many ids as possible have a counterpart.

    `recordings/anna/1.wav` in one file matches `anna/1` in the other if no other id ends so.
    """
    best: tuple[ToKey, ToKey] = (str, str)
    most = len({*references} & {*hypotheses})
    for strips in product((False, True), repeat=2):
        if most == min(len(references), len(hypotheses)):
            break
        expected, found = (
            [_parts(name, strip) for name in names]
            for names, strip in zip((references, hypotheses), strips, strict=True)
        )
        depth = _least_depth(expected, found)
        num_common = len(_ends(expected, depth) & _ends(found, depth))
        if depth and num_common > most:
            best, most = (_key(depth, strips[0]), _key(depth, strips[1])), num_common
    return best


def _least_depth(*files: Sequence[Sequence[str]]) -> int:
    """The least number of last parts by which the names of each file differ; 0: they do not.

    The fewer parts, the more names of two files agree.
    """
    deepest = max((len(parts) for file in files for parts in file), default=0)
    depths = range(1, deepest + 1)
    return next((n for n in depths if all(len(_ends(f, n)) == len(f) for f in files)), 0)


def _ends(names: Iterable[Sequence[str]], depth: int) -> set[tuple[str, ...]]:
    return {tuple(parts[-depth:]) for parts in names}


def _key(depth: int, strips_suffix: bool) -> ToKey:
    return lambda name: "/".join(_parts(name, strips_suffix)[-depth:])


def _parts(name: str, strips_suffix: bool) -> list[str]:
    plain = ctm_field(normalize("NFC", name))
    *folders, last = plain.replace("\\", "/").split("/")
    stem, dot, suffix = last.rpartition(".")
    is_file = stem and f"{dot}{suffix.lower()}" in _FILE_SUFFIXES
    return [*folders, stem if strips_suffix and is_file else last]
