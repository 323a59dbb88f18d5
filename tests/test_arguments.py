from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from speechlstm import HotWord, Phrase, Recognizer, SubtitleLayout, Transcript
from speechlstm.arguments import accepts, check_argument
from speechlstm.errors import ConfigError
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
