import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.cli import main

SAMPLE_RATE = 16000


@pytest.fixture
def recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: Callable[[str], NDArray[np.float32]]
) -> Path:
    monkeypatch.chdir(tmp_path)
    for text in ("hello world", "goodbye"):
        soundfile.write(f"{text.split()[0]}.wav", spoken(text), SAMPLE_RATE)
    return tmp_path


def transcribe(bundle: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["transcribe", "--model", str(bundle), *arguments])


def test_one_file_gives_the_words_alone(levels_bundle: Path, recordings: Path) -> None:
    result = transcribe(levels_bundle, "hello.wav")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello world\n", "")


def test_several_files_are_named(levels_bundle: Path, recordings: Path) -> None:
    result = transcribe(levels_bundle, "hello.wav", "goodbye.wav")
    assert result.stdout == "hello.wav\thello world\ngoodbye.wav\tgoodbye\n"


def test_json_has_one_shape_for_one_file_and_for_several(
    levels_bundle: Path, recordings: Path
) -> None:
    one = transcribe(levels_bundle, "--format", "json", "hello.wav").stdout.splitlines()
    two = transcribe(
        levels_bundle, "--format", "json", "hello.wav", "goodbye.wav"
    ).stdout.splitlines()
    assert two[:1] == one
    objects = [json.loads(line) for line in two]
    assert [(o["file"], o["text"]) for o in objects] == [
        ("hello.wav", "hello world"),
        ("goodbye.wav", "goodbye"),
    ]
    word = objects[0]["words"][0]
    assert (word["text"], word["start"], word["end"]) == ("hello", 0.01, 0.2)


def test_writes_into_a_file(levels_bundle: Path, recordings: Path) -> None:
    result = transcribe(levels_bundle, "-o", "out.txt", "hello.wav")
    assert (result.exit_code, result.stdout) == (0, "")
    assert Path("out.txt").read_text() == "hello world\n"


def test_bad_files_are_reported_and_the_others_transcribed(
    levels_bundle: Path, recordings: Path
) -> None:
    Path("empty.wav").touch()
    Path("text.wav").write_text("these are words, not sounds\n" * 10)
    Path("cut.wav").write_bytes(Path("hello.wav").read_bytes()[:3000])
    soundfile.write("blip.wav", np.zeros(320), SAMPLE_RATE)
    bad = ["missing.wav", "empty.wav", "text.wav", "cut.wav", "blip.wav", "."]
    result = transcribe(levels_bundle, "hello.wav", *bad, "goodbye.wav")
    assert result.exit_code == 1
    assert result.stdout == "hello.wav\thello world\ngoodbye.wav\tgoodbye\n"
    errors = result.stderr.splitlines()
    assert len(errors) == len(bad)
    for error, name in zip(errors, bad, strict=True):
        assert error.startswith(f"Error: {name}: ")


def test_silence_is_an_empty_line(levels_bundle: Path, recordings: Path) -> None:
    soundfile.write("silence.wav", np.zeros(16000), SAMPLE_RATE)
    result = transcribe(levels_bundle, "silence.wav")
    assert (result.exit_code, result.stdout) == (0, "\n")


def test_a_bad_bundle_ends_it_with_one_line(levels_bundle: Path, recordings: Path) -> None:
    result = transcribe(recordings, "hello.wav", "goodbye.wav")
    assert (result.exit_code, result.stdout) == (1, "")
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"Error: {recordings}/bundle.json: No such file")


@pytest.mark.parametrize("arguments", [[], ["--format", "xml", "a.wav"]])
def test_wrong_usage_is_exit_code_2(levels_bundle: Path, arguments: list[str]) -> None:
    assert transcribe(levels_bundle, *arguments).exit_code == 2


def test_runs_where_training_packages_cannot_be_imported(
    levels_bundle: Path, recordings: Path
) -> None:
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['tensorflow', 'keras', 'librosa', 'matplotlib']))\n"
        "from speechlstm.cli import main\n"
        "main()"
    )
    command = [sys.executable, "-c", code, "transcribe", "--model", str(levels_bundle), "hello.wav"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "hello world\n", "")
