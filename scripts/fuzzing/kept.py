"""Damaged files that have checksums: what is accepted must be what was written."""

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from fuzzing import recordings
from fuzzing.mutate import changed_json, damaged
from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest

_RATE = 16000
_SPEED = 0.9


def _folder(name: str) -> Path:
    """A folder for valid files, which is kept for the life of the process."""
    return Path(tempfile.mkdtemp(prefix="fuzz-")) / name


def _copied(rng: Generator, source: Path, folder: Path, *patterns: str) -> Path:
    """A copy of a folder with one damaged file of those that match a pattern."""
    path = folder / source.name
    shutil.copytree(source, path)
    files = sorted(file for pattern in patterns for file in path.glob(pattern))
    file = files[rng.integers(len(files))]
    if file.suffix == ".json" and rng.random() < 0.5:
        file.write_text(json.dumps(changed_json(rng, json.loads(file.read_text()))))
    else:
        file.write_bytes(damaged(rng, file.read_bytes()))
    return path


def _equal(found: Any, expected: Any) -> None:
    if not np.array_equal(np.asarray(found), np.asarray(expected)):
        raise AssertionError("damage was not noticed")


@cache
def _cache() -> tuple[Path, Any]:
    """A cache of one recording and of a copy at another speed, and what it holds."""
    from speechlstm.training.data.pcm_cache import open_cache
    from speechlstm.training.data.speed_copies import at_speed

    folder = _folder("cache")
    folder.mkdir()
    (folder / "a.wav").write_bytes(recordings.sound())
    opened = open_cache([folder / "a.wav"], _RATE, folder)
    return folder, (opened.waveform(0), at_speed(opened, 0, _SPEED))


def make_cache(rng: Generator, folder: Path) -> Path:
    """Write a cache with a damaged file."""
    return _copied(rng, _cache()[0], folder, "*.pcm", "*.f32")


def load_cache(path: Path) -> None:
    """Read the recording from its file, and its copy."""
    from speechlstm.training.data.pcm_cache import PCMCache
    from speechlstm.training.data.sample_files import num_samples_in
    from speechlstm.training.data.speed_copies import at_speed

    file = next(path.glob("*.pcm"))
    if (num_samples := num_samples_in(f"{file}", 2)) < 0:
        return  # it is decoded again
    opened = PCMCache([file], (num_samples,), {})
    for found, expected in zip(
        (opened.waveform(0), at_speed(opened, 0, _SPEED)), _cache()[1], strict=True
    ):
        _equal(found, expected)


@cache
def _shards() -> Path:
    from speechlstm.corpora.shards import pack

    folder = _folder("shards")
    source = folder.parent / "a.jsonl"
    lines = [{"id": i, "audio": f"{i}.wav", "duration": 0.5, "text": "yes"} for i in "ab"]
    for line in lines:
        (folder.parent / f"{line['audio']}").write_bytes(recordings.sound())
    source.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    list(pack(Manifest(source), folder))
    return folder


def make_shards(rng: Generator, folder: Path) -> Path:
    """Write shards of which one file is damaged."""
    return _copied(rng, _shards(), folder, "*.tar", "manifest.jsonl")


def load_shards(path: Path) -> None:
    """Read all recordings; FLAC has checksums."""
    manifest = Manifest(path)
    expected = read_audio(_shards().parent / "a.wav").samples
    for utterance in manifest:
        found = read_audio(manifest.recording(utterance)).samples
        if utterance.offset is None:
            _equal(found, expected)


def _language_run(path: Path) -> Any:
    from speechlstm.lm.text import tokenize
    from speechlstm.training.lm.network import LanguageModelConfig, LanguageModelTraining
    from speechlstm.training.lm.run import LanguageModelRun

    text = tokenize(["a hat", "the bat"])
    config = LanguageModelConfig(width=4, num_units=4), LanguageModelTraining()
    run = LanguageModelRun(path, *config, tuple(text.vocabulary))
    run.create(text, text)
    return run


def _punctuation_run(path: Path) -> Any:
    from speechlstm.readable.features import NUM_PAUSES
    from speechlstm.readable.marked_text import marked_words
    from speechlstm.training.punctuation.network import PunctuationConfig, PunctuationTraining
    from speechlstm.training.punctuation.run import PunctuationRun
    from speechlstm.training.punctuation.text import PunctuatedText

    text = PunctuatedText.of(map(marked_words, ["He saw it.", "Who, there?"]))
    config = PunctuationConfig(width=4, num_layers=1, num_units=4), PunctuationTraining()
    run = PunctuationRun(path, *config, {"iphone": "iPhone"})
    run.create(text, text, np.ones((5, NUM_PAUSES), np.int64))
    return run


@cache
def _run(create: Callable[[Path], Any]) -> Any:
    return create(_folder("run"))


def make_language_run(rng: Generator, folder: Path) -> Path:
    """Write the folder of a language model's run with one damaged file."""
    return _copied(rng, _run(_language_run).path, folder, "*.json", "*.npy", "*.txt")


def load_language_run(path: Path) -> None:
    """Read its words and texts."""
    from speechlstm.training.lm.run import load_language_model_run

    run, whole = load_language_model_run(path), _run(_language_run)
    for name in ("train", "valid"):
        _equal(run.tokens(name), whole.tokens(name))
    _equal(run.words, whole.words)


def make_punctuation_run(rng: Generator, folder: Path) -> Path:
    """Write the folder of a run for punctuation with one damaged file."""
    return _copied(rng, _run(_punctuation_run).path, folder, "*.json", "*.npz")


def load_punctuation_run(path: Path) -> None:
    """Read its texts."""
    from speechlstm.training.punctuation import run as runs

    run, whole = runs.load_punctuation_run(path), _run(_punctuation_run)
    for name in ("train", "valid"):
        (text, pauses), (expected, same) = run.text(name), whole.text(name)
        _equal(pauses, same)
        for array, other in zip(asdict(text).values(), asdict(expected).values(), strict=True):
            _equal(array, other)
