"""The layouts of corpora that can be imported."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from speechlstm.corpora.importers import (
    an4,
    audiofolder,
    common_voice,
    deepspeech,
    elan,
    fsdd,
    kaldi,
    lhotse,
    librispeech,
    ljspeech,
    nemo,
    speech_commands,
    subtitles,
    tedlium,
    textgrid,
    voxforge,
)
from speechlstm.corpora.importers.found import Found
from speechlstm.errors import DataError


@dataclass(frozen=True)
class Kind:
    """A layout of corpora.

    Attributes:
        name: As the user gives it.
        looked_for: What a source of this kind has.
        fits: Whether a source, a file or a folder that exists, is of this kind.
        read: Yields what a source lists: utterances, or errors in single lines. Raises DataError if
            a list cannot be read at all.
        chooses_part: Whether only one part can be wanted if there are several: tiers that say the
            same in words and in phones.
    """

    name: str
    looked_for: str
    fits: Callable[[Path], bool]
    read: Callable[[Path], Iterator[Found | DataError]]
    chooses_part: bool = False


def _kind(module: ModuleType, name: str, chooses_part: bool = False) -> Kind:
    stem = module.__name__.rpartition(".")[2]
    fits, read = getattr(module, f"is_{stem}"), getattr(module, f"read_{stem}")
    return Kind(name, module.LOOKED_FOR, fits, read, chooses_part)


KINDS = {
    kind.name: kind
    for kind in (
        _kind(librispeech, "librispeech"),
        _kind(common_voice, "common-voice"),
        _kind(ljspeech, "ljspeech"),
        _kind(tedlium, "tedlium"),
        _kind(voxforge, "voxforge"),
        _kind(an4, "an4"),
        _kind(speech_commands, "speech-commands"),
        _kind(fsdd, "fsdd"),
        _kind(nemo, "nemo"),
        _kind(kaldi, "kaldi"),
        _kind(deepspeech, "deepspeech"),
        _kind(lhotse, "lhotse"),
        _kind(audiofolder, "audiofolder"),
        _kind(elan, "elan"),
        _kind(textgrid, "textgrid", chooses_part=True),
        _kind(subtitles, "srt"),
    )
}
