"""Damaged archives, and damaged lists of corpora in the layouts of others."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from numpy.random import Generator

from fuzzing import recordings
from fuzzing.mutate import HOSTILE, damaged, spliced

_FILES = {"corpus/a.txt": b"yes", "corpus/wav/b.wav": bytes(2000), "corpus/wav/c.wav": b"c" * 700}
_PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "tar": bytes, "tar.gz": gzip.compress, "tar.bz2": bz2.compress, "tar.xz": lzma.compress,
    "zip": bytes,
}  # fmt: skip

_CUT = {
    "id": "a", "start": 0.0, "duration": 0.1, "channel": 0, "type": "MonoCut",
    "supervisions": [
        {"id": "s", "recording_id": "r", "start": 0.0, "duration": 0.1, "text": "yes"}
    ],
    "recording": {
        "id": "r", "sources": [{"type": "file", "channels": [0], "source": "a.wav"}],
        "sampling_rate": 16000, "num_samples": 1600, "duration": 0.1,
    },
}  # fmt: skip
_TEXTGRID = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 0.1
tiers? <exists>
size = 1
item []:
    item [1]:
        class = "IntervalTier"
        name = "ann"
        xmin = 0
        xmax = 0.1
        intervals: size = 1
        intervals [1]:
            xmin = 0
            xmax = 0.1
            text = "yes"
"""
_ELAN = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///a.wav" RELATIVE_MEDIA_URL="./a.wav"/></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/>
<TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="90"/></TIME_ORDER>
<TIER TIER_ID="ann"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">
<ANNOTATION_VALUE>yes</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>
</ANNOTATION></TIER></ANNOTATION_DOCUMENT>
"""
# By kind of corpus: the files beside a.wav, of which the first is the source if there is one only.
_LAYOUTS: Mapping[str, Mapping[str, str]] = {
    "kaldi": {
        "wav.scp": "a a.wav\n", "text": "a-1 yes\n", "segments": "a-1 a 0.0 0.1\n",
        "utt2spk": "a-1 ann\n",
    },
    "nemo": {
        "a.jsonl": json.dumps({"audio_filepath": "a.wav", "duration": 0.1, "text": "yes"}) + "\n"
    },
    "lhotse": {"a.jsonl": json.dumps(_CUT) + "\n"},
    "deepspeech": {"a.csv": "wav_filename,wav_filesize,transcript\na.wav,3244,yes\n"},
    "textgrid": {"a.TextGrid": _TEXTGRID},
    "elan": {"a.eaf": _ELAN},
    "srt": {"a.srt": "1\n00:00:00,000 --> 00:00:00,090\nyes\n"},
}  # fmt: skip


def make_archive(rng: Generator, folder: Path) -> Path:
    """Write a damaged archive."""
    suffix = list(_PACKERS)[rng.integers(len(_PACKERS))]
    content = io.BytesIO()
    if suffix == "zip":
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in _FILES.items():
                packed.writestr(name, data)
    else:
        with tarfile.open(fileobj=content, mode="w") as tar:
            for name, data in _FILES.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    path = folder / f"a.{suffix}"
    path.write_bytes(damaged(rng, _PACKERS[suffix](content.getvalue())))
    return path


def load_archive(path: Path) -> None:
    """Unpack an archive; nothing may appear outside the folder, and none of the files be missing.

    Raises:
        AssertionError: It was accepted, and something is missing or was written elsewhere.
    """
    from speechlstm.corpora.unpacking import unpack

    try:
        unpack(path, path.parent / "out")
    finally:
        assert {file.name for file in path.parent.iterdir()} <= {path.name, "out"}
    sizes = [file.stat().st_size for file in (path.parent / "out").rglob("*") if file.is_file()]
    assert path.suffix == ".tar" or sorted(sizes) == sorted(map(len, _FILES.values()))
    assert len(sizes) >= len(_FILES)


def make_corpus(rng: Generator, folder: Path) -> Path:
    """Write a recording and the lists of one kind of corpus, one of them damaged."""
    kind = list(_LAYOUTS)[rng.integers(len(_LAYOUTS))]
    place = folder / kind
    place.mkdir()
    (place / "a.wav").write_bytes(recordings.sound())
    files = {name: text.encode() for name, text in _LAYOUTS[kind].items()}
    name = list(files)[rng.integers(len(files))]
    files[name] = (
        damaged(rng, files[name]) if rng.random() < 0.3 else spliced(rng, files[name], HOSTILE)
    )
    if kind == "lhotse" and rng.random() < 0.3:
        files = {"a.jsonl.gz": damaged(rng, gzip.compress(files[name], mtime=0))}
    for name, content in files.items():
        (place / name).write_bytes(content)
    return place / name if len(files) == 1 else place


def load_corpus(path: Path) -> None:
    """List the utterances of a corpus; raises the first error for which one is left out."""
    from speechlstm.corpora.imported import import_corpus, kind_of

    folder = path if path.is_dir() else path.parent
    for entry in import_corpus(kind_of(path, folder.name), path, folder.parent):
        if isinstance(entry, Exception):
            raise entry
