"""Valid files to damage, and damage that needs knowledge of their formats, such as checksums."""

import gzip
import hashlib
import json
import lzma
import shutil
import struct
import tempfile
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from fuzzing.models import damaged_model
from fuzzing.mutate import changed_json, damaged
from speechlstm.audio import Audio
from speechlstm.bundle import AcousticSpec, default_bundle, write_bundle, write_decoder
from speechlstm.config import DecodeConfig, FeatureConfig, NetworkConfig
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.diarization.embedding import ASSET as VOICES
from speechlstm.lm.ngram.arpa import read_arpa
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.lm.ngram.quantize import quantize
from speechlstm.lm.ngram.trie import build_trie
from speechlstm.text.alphabet import ENGLISH
from speechlstm.tflite.metadata import dump_json, read_metadata

ASSETS = Path(__file__).parents[2] / "tests" / "assets"
_DIGEST_BYTES = 32

ARPA = (ASSETS / "tiny.arpa").read_text(encoding="utf-8")
DICTIONARY = ";;; comment\nHAT HH AE1 T\nhat(2) HH AH0 T\nbat B AE1 T # note\na AH0\n"
TEXT = "The hat's on a bat.\nDr. Smith paid $3.50 on May 5th, 1999!\nStraße ﬁne naïve\n\n12,345 a\n"
SETTINGS = """[features]
sample_rate = 16000
num_mfcc = 40
normalize = "mean_variance"
[model]
num_layers = 2
num_units = 64
dropout = 0.2
[training]
batch_seconds = 100
learning_rate = 1e-3
[augmentation]
speeds = [0.9, 1.0, 1.1]
noise = ["noise.jsonl"]
"""
TRANSCRIPTS = (
    "a hat (spk-1)\nbat (spk-2)\n",
    ";; stm\nrec 1 spk 0.0 1.5 <o,f0> a hat\nrec 1 spk 2 3 bat\n",
    "rec 1 0.10 0.20 a 0.9\nrec 1 0.30 0.40 hat 0.8\n",
    '{"file": "a.wav", "text": "a hat", "duration": 1.0}\n{"file": "b.wav", "text": ""}\n',
    '{"id": "a", "audio": "a.wav", "duration": 1.0, "text": "a hat"}\n',
    "utt-1 a hat\nutt-2 bat\n",
)


def model(name: str) -> tuple[bytes, dict[str, Any]]:
    """A model of the tests or of the package, without its checksum, and its description."""
    own = VOICES if name == "speakers" else default_bundle() / f"{name}.tflite"
    path = own if own.exists() else ASSETS / f"{name}.tflite"
    if name in ("levels", "recurrent"):  # these have no metadata
        return path.read_bytes(), read_metadata(bundle() / "model.tflite")
    return path.read_bytes()[:-_DIGEST_BYTES], read_metadata(path)


@cache
def bundle() -> Path:
    """A bundle with all optional files, in a folder that is kept for the life of the process."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    acoustic = AcousticSpec(
        FeatureConfig(), ENGLISH, NetworkConfig(frame_stack=1), training={"a": ["b.wav"]}
    )
    write_bundle(folder / "bundle", (ASSETS / "levels.tflite").read_bytes(), acoustic)
    (folder / "words.dict").write_text("a a\nhat h a t\nbat b a t\nthe t h e\n")
    decoder = DecoderSpec(
        DecodeConfig(beam_width=8, num_hypotheses=3),
        _ngrams(folder, is_quantized=False),
        neural_lm=_language_model(folder),
        lexicon=_lexicon(folder),
        g2p=default_bundle() / "pronouncer.tflite",
        punctuator=default_bundle() / "punctuator.tflite",
    )
    write_decoder(folder / "bundle", decoder)
    return folder / "bundle"


def _language_model(folder: Path) -> Path:
    from speechlstm.tflite.metadata import embed_metadata

    content = (ASSETS / "language_model.tflite").read_bytes()
    description = read_metadata(ASSETS / "language_model.tflite")
    path = folder / "lstm.tflite"
    path.write_bytes(
        embed_metadata(content[:-_DIGEST_BYTES], description | {"alphabet_sha256": ENGLISH.sha256})
    )
    return path


def _ngrams(folder: Path, is_quantized: bool) -> Path:
    (folder / "a.arpa").write_text(ARPA)
    trie = build_trie(read_arpa(folder / "a.arpa"))
    path = folder / "a.lm"
    write_packed(path, quantize(trie) if is_quantized else trie, ENGLISH.sha256)
    return path


def _lexicon(folder: Path) -> Path:
    path = folder / "a.tree"
    path.write_bytes(LexiconTree.from_words(["a", "hat", "bat", "the"], ENGLISH).packed())
    return path


@cache
def _packed(kind: str) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if kind == "lexicon":
            return _lexicon(folder).read_bytes()
        return _ngrams(folder, kind == "quantized").read_bytes()


def damaged_ngrams(rng: Generator) -> bytes:
    """Damage the header or the arrays of a packed n-gram model, mostly with correct checksums."""
    content = _packed("quantized" if rng.random() < 0.5 else "plain")
    prefix = struct.Struct("<8sIII")
    magic, version, size, _ = prefix.unpack_from(content)
    text, arrays = content[prefix.size : prefix.size + size], content[prefix.size + size :]
    kind = rng.integers(3)
    if kind == 0:
        return damaged(rng, content)
    values = json.loads(text)
    if kind == 1:
        values = changed_json(rng, values)
    else:
        arrays = damaged(rng, arrays)
        if rng.random() < 0.8:  # keep the length
            arrays = arrays[: len(content) - prefix.size - size]
            arrays = arrays.ljust(len(content) - prefix.size - size, b"\0")
        values["crc32"] = zlib.crc32(arrays)
    text = json.dumps(values).encode()
    text = text.ljust(-(-(prefix.size + len(text)) // 64) * 64 - prefix.size)
    return prefix.pack(magic, version, len(text), zlib.crc32(text)) + text + arrays


def damaged_lexicon(rng: Generator) -> bytes:
    """Damage a packed lexicon, mostly with a correct checksum."""
    content = _packed("lexicon")
    if rng.random() < 0.3:
        return damaged(rng, content)
    first = 16  # magic, version, checksum
    rest = damaged(rng, content[first:])
    return content[:12] + struct.pack("<I", zlib.crc32(rest)) + rest


def make_bundle(rng: Generator, folder: Path) -> Path:
    """Write a bundle with damaged contents and correct checksums."""
    path = folder / "bundle"
    shutil.copytree(bundle(), path)
    index = json.loads((path / "bundle.json").read_text())
    kind = rng.integers(6)
    if kind == 0:
        (path / "bundle.json").write_bytes(damaged(rng, (path / "bundle.json").read_bytes()))
        return path
    if kind == 1:
        (path / "bundle.json").write_text(json.dumps(changed_json(rng, index)))
        return path
    if kind == 2:  # the same damage in the index and in the metadata of the model
        files = index.pop("files")
        keys = ("decoding", "rescoring", "neural_lm", "calibration", "prior")
        decoder = {key: index.pop(key) for key in keys if key in index}
        index = changed_json(rng, index)
        _write_model(path, index)
        index |= changed_json(rng, decoder) if rng.random() < 0.5 else decoder
        index["files"] = files
    elif kind == 3:
        names = ("levels", "recurrent")
        _, description = model("levels")
        content = damaged_model(rng, model(names[rng.integers(2)])[0], description)
        (path / "model.tflite").write_bytes(content)
    elif kind == 4:
        (path / "lm.ngram").write_bytes(damaged_ngrams(rng))
    else:
        (path / "lexicon.tree").write_bytes(damaged_lexicon(rng))
    for name in index["files"]:
        index["files"][name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
    (path / "bundle.json").write_bytes(json.dumps(index).encode())
    return path


def _write_model(path: Path, description: Any) -> None:
    from speechlstm.tflite.metadata import embed_metadata

    try:
        dump_json(description)
    except ValueError:
        return
    (path / "model.tflite").write_bytes(embed_metadata(model("levels")[0], description))


def manifest_lines(suffix: str) -> list[str]:
    """The lines of a valid manifest."""
    if suffix == ".csv":
        return ["wav_filename,wav_filesize,transcript", "a.wav,1000,a hat", '"b.wav",5,"a, bat"']
    values = {"id": "a", "audio": "a.wav", "duration": 1.5, "text": "a hat", "speaker": "me"}
    return [json.dumps(values | {"id": name, "audio": f"{name}.wav"}) for name in "abc"]


def waveform_of(text: str, sample_rate: int) -> Audio:
    """A waveform that levels.tflite recognises as the text: 30 ms of an amplitude a character."""
    labels = np.array(ENGLISH.encode(text)) / ENGLISH.num_labels
    levels = [np.array([0, 1, 1, 1]) * label for label in labels]
    samples = np.repeat(np.concatenate([*levels, [0]]), sample_rate // 100)
    return Audio(samples.astype(np.float32), sample_rate)


def gzipped_text() -> bytes:
    """The text as a gzip file."""
    return gzip.compress(TEXT.encode(), mtime=0)


def xz_text() -> bytes:
    """The text as an xz file."""
    return lzma.compress(TEXT.encode())
