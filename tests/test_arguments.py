import shutil
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from speechlstm import HotWord, Phrase, Recognizer, SubtitleLayout, Transcript
from speechlstm.arguments import accepts, check_argument
from speechlstm.bundle import read_bundle
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import ConfigError
from speechlstm.evaluation.score import score_files
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.text.phrases import read_phrase_file
from speechlstm.transcript import Hypothesis

SILENCE = Transcript((Hypothesis("", (), 0.0),), 1.0)
DATE = "data/samples/date.wav"


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (float | None, None, True),
        (float | None, np.float32(0.5), True),
        (float, nan, False),
        (float, 10**400, False),
        (int, np.int64(3), True),
        (int, True, False),
        (bool, 1, False),
        (bool, np.True_, True),
        (int, np.True_, False),
        (str | Path, Path("a"), True),
        (str | Path, b"a", False),
        (Literal["a", 1], 1, True),
        (Literal["a", 1], np.zeros(3), False),
        (tuple[str, ...], ("a", "b"), True),
        (tuple[str, ...], ("a", 1), False),
    ],
)
def test_what_is_of_a_type(kind: Any, value: object, expected: bool) -> None:
    try:
        check_argument("x", value, kind)
    except ConfigError as error:
        assert str(error).startswith("x: must be ")
        assert not expected
    else:
        assert expected


def test_a_class_accepts_its_objects() -> None:
    assert accepts(Transcript | None, SILENCE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Recognizer.load(3), "bundle: must be a string or a path or None, is 3"),
        (lambda: Recognizer.load(""), "bundle: is empty; give a path"),
        (lambda: Recognizer.load(lm=""), "lm: is empty; give a path"),
        (lambda: Recognizer.load(neural_lm=""), "neural_lm: is empty; give a path"),
        (lambda: Recognizer.load(lm=False), "lm: must be a string or a path or None, is False"),
        (lambda: Recognizer.load(neural_lm=[]), "neural_lm: must be a string or a path or None"),
        (lambda: Recognizer.load(speaker_bundle=0), "speaker_bundle: must be a string or a path"),
        (lambda: Recognizer.load(greedy="no"), "greedy: must be true or false, is 'no'"),
        (lambda: Recognizer.load(fast=1), "fast: must be true or false, is 1"),
        (lambda: Recognizer.load(readable="no"), "readable: must be true or false or None"),
        (lambda: SILENCE.to_srt(42), "layout: must be a SubtitleLayout or None, is 42"),
        (lambda: SILENCE.to_ctm(Path("a.wav")), r"recording: must be a string, is .*Path\('a.wav'"),
        (lambda: Transcript.of_channels([]), "a recording has at least one channel"),
        (lambda: SubtitleLayout(max_line_width=None), "max_line_width: must be a whole number"),
        (lambda: SubtitleLayout(max_line_count=1.5), "max_line_count: must be a whole number"),
        (lambda: SubtitleLayout(min_cue_seconds="1"), "min_cue_seconds: must be a finite number"),
        (lambda: SubtitleLayout(highlight_words=inf), "highlight_words: must be true or false"),
        (lambda: HotWord("a", 10**400), "the weight of 'a' must be a number from"),
        (lambda: Phrase("a", 10**400), "the weight of 'a' must be a number from"),
    ],
)
def test_arguments_of_another_type_are_named(call: Callable[[], object], message: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=message):
        call()


def test_arguments_of_a_recogniser_are_named() -> None:
    recognizer = Recognizer.load("tests/assets/interpreter.tflite")
    for call, message in (
        (lambda: recognizer.open_stream(16000, "1"), "endpoint_seconds: must be a finite number"),
        (lambda: recognizer.align_file(DATE, "july", "1"), "channel: must be a whole number or"),
        (lambda: recognizer.transcribe_file(DATE, on_segment=3), "on_segment: must be a function"),
    ):
        with pytest.raises(ConfigError, match=message):
            call()


def test_a_truth_value_of_numpy_becomes_pythons_own() -> None:
    assert SubtitleLayout(keeps_lines=np.True_).keeps_lines is True  # type: ignore[arg-type]


def test_a_subtitle_may_stand_without_a_limit() -> None:
    assert SubtitleLayout(max_cue_seconds=np.inf).max_cue_seconds == inf


class Named:
    """A path that is neither a string nor a Path."""

    def __init__(self, path: str | Path) -> None:
        self._path = f"{path}"

    def __fspath__(self) -> str:
        return self._path


@pytest.mark.parametrize(
    "read",
    [
        lambda path: Recognizer.load(path("bundle"), lm=path("tiny.lm")),
        lambda path: Recognizer.load(path("bundle")).transcribe_file(path("a.wav")),
        lambda path: list(Recognizer.load(path("bundle")).stream(path("a.wav"))),
        lambda path: read_bundle(path("bundle")),
        lambda path: NGramModel.load(path("tiny.lm")),
        lambda path: Manifest(path("a.jsonl")).path,
        lambda path: score_files(path("a.txt"), path("a.txt")),
        lambda path: read_phrase_file(path("a.txt")),
    ],
)
def test_a_path_may_be_whatever_names_one(
    read: Callable[[Callable[[str], Any]], object],
    levels_bundle: Path,
    tiny_lm: Path,
    tmp_path: Path,
) -> None:
    shutil.copytree(levels_bundle, tmp_path / "bundle")
    shutil.copy(tiny_lm, tmp_path / "tiny.lm")
    shutil.copy(DATE, tmp_path / "a.wav")
    (tmp_path / "a.txt").write_text("hello\n")
    read(lambda name: Named(tmp_path / name))


def test_the_address_of_a_manifest_may_be_such_a_path() -> None:
    assert Manifest(Named("https://example.org/a.jsonl?key=1")).path.name == "a.jsonl?key=1"
    assert Manifest(Named("s3://corpus/shards")).path == Path("s3:/corpus/shards/manifest.jsonl")


@pytest.mark.slow
def test_manifests_to_train_on_may_be_such_paths(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    from speechlstm.training.acoustic.manifests import RunManifests

    for name in ("a", "b"):
        write_manifest(tmp_path / f"{name}.jsonl", [Utterance(name, f"{name}.wav", 1.0, "yes")])
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    assert RunManifests.read(Named(paths[0]), [Named(paths[1])]).paths == ((paths[0],), (paths[1],))
