import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.audio import microphone as microphone_module
from speechlstm.cli import main
from speechlstm.errors import AudioError

RATE = 16000

Say = Callable[[str], NDArray[np.float32]]


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


@pytest.fixture(scope="module")
def speech(spoken: Say) -> NDArray[np.float32]:
    pieces = [silence(0.5), spoken("hello world"), silence(1.2), spoken(" good day"), silence(1)]
    return np.concatenate(pieces)


@pytest.fixture
def recording(tmp_path: Path, speech: NDArray[np.float32]) -> Path:
    soundfile.write(tmp_path / "talk.wav", speech, RATE, subtype="PCM_16")
    return tmp_path / "talk.wav"


def listen(bundle: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["listen", "--bundle", str(bundle), *map(str, arguments)])


def microphone_of(
    monkeypatch: pytest.MonkeyPatch, blocks: list[NDArray[np.int16]], error: Exception | None = None
) -> None:
    """Makes a microphone that records the blocks and then fails, or is ended by Ctrl-C."""

    class Microphone:
        name, sample_rate, num_lost = "Test Mic", RATE, 0

        def __init__(self, *_: object) -> None: ...

        def __iter__(self) -> Iterator[NDArray[np.int16]]:
            yield from blocks
            if error:
                raise error
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(microphone_module, "Microphone", Microphone)


def in_blocks(samples: NDArray[np.float32]) -> list[NDArray[np.int16]]:
    integers = (samples * 32767).astype(np.int16)
    return [integers[first : first + 1600] for first in range(0, len(integers), 1600)]


def test_a_line_for_each_segment(levels_bundle: Path, recording: Path) -> None:
    result = listen(levels_bundle, "--input", recording)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello world\ngood day\n", "")


def test_events_are_lines_of_json(levels_bundle: Path, recording: Path) -> None:
    result = listen(levels_bundle, "--input", recording, "--format", "jsonl")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    finals = [event for event in events if event["type"] == "final"]
    assert [event["text"] for event in finals] == ["hello world", "good day"]
    assert [event["segment"] for event in finals] == [1, 2]
    assert {event["type"] for event in events} == {"partial", "final"}
    for event in events:
        assert event["text"] == " ".join(word["text"] for word in event["words"])
        assert event["start"] <= event["end"]
    assert finals[0]["words"][0]["start"] == pytest.approx(0.51, abs=0.011)


@pytest.mark.parametrize("suffix", ["txt", "json", "srt", "vtt", "ctm", "TextGrid"])
def test_all_is_written_at_the_end_in_any_format(
    levels_bundle: Path, recording: Path, tmp_path: Path, suffix: str
) -> None:
    output = tmp_path / f"out.{suffix}"
    assert listen(levels_bundle, "--input", recording, "-o", output).exit_code == 0
    content = output.read_text(encoding="utf-8")
    words = ["hello", "world", "good", "day"]
    assert [word for word in words if word in content] == words
    if suffix == "json":
        transcript = json.loads(content)
        assert transcript["text"] == "hello world good day"
        assert transcript["duration"] == pytest.approx(soundfile.info(recording).duration, abs=1e-3)


def test_ctrl_c_ends_a_microphone_with_what_was_heard(
    levels_bundle: Path,
    speech: NDArray[np.float32],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spoken_last = speech[: len(speech) - RATE]  # no pause has ended the last words
    microphone_of(monkeypatch, in_blocks(spoken_last))
    result = listen(levels_bundle, "-o", tmp_path / "a.srt")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "hello world\ngood day\n", "")
    assert "good day" in (tmp_path / "a.srt").read_text(encoding="utf-8")


def test_what_was_heard_before_the_microphone_failed_is_kept(
    levels_bundle: Path,
    speech: NDArray[np.float32],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = AudioError("Test Mic", "has stopped recording; is it still connected?")
    microphone_of(monkeypatch, in_blocks(speech[: len(speech) - RATE]), error)
    result = listen(levels_bundle, "-o", tmp_path / "a.txt")
    assert result.exit_code == 1
    assert result.stdout == "hello world\ngood day\n"
    assert result.stderr == f"Error: {error}\n"
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "hello world good day\n"


def test_a_microphone_that_fails_at_once_writes_no_file(
    levels_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    microphone_of(monkeypatch, [], AudioError("Test Mic", "cannot be opened"))
    result = listen(levels_bundle, "-o", tmp_path / "a.txt")
    assert (result.exit_code, result.stderr) == (1, "Error: Test Mic: cannot be opened\n")
    assert not (tmp_path / "a.txt").exists()


def test_a_silent_microphone_is_named_once(
    levels_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    microphone_of(monkeypatch, in_blocks(silence(25)))
    result = listen(levels_bundle)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "Test Mic: no sound for 10 s; is it muted?\n"


def test_bad_recordings_are_one_line(levels_bundle: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", silence(0), RATE)
    soundfile.write(tmp_path / "nan.wav", np.full(RATE, np.nan), RATE, subtype="FLOAT")
    for name, reason in [
        ("empty.wav", "has no samples"),
        ("nan.wav", "has samples that are not finite"),
        ("missing.wav", "cannot be read"),
    ]:
        result = listen(levels_bundle, "--input", tmp_path / name, "-o", tmp_path / "out.txt")
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert f"{name}: {reason}" in result.stderr
        assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--input", "a.wav", "--device", "1"],
        ["--realtime"],
        ["--raw", "16000"],
        ["--input", "-"],
        ["--input", "a.wav", "--n-best", "3"],
        ["--input", "a.wav", "-o", "a.xyz"],
        ["--input", "a.wav", "-o", "a.wav"],
        ["--endpoint-seconds", "0.1"],
    ],
)
def test_wrong_usage_is_refused(
    levels_bundle: Path, arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", silence(1), RATE)
    assert listen(levels_bundle, *arguments).exit_code == 2


def process(bundle: Path, *arguments: str | Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "speechlstm", "listen", "--bundle", str(bundle)]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
def test_a_pipe_is_heard_while_it_comes_and_ended_by_a_signal(
    levels_bundle: Path, speech: NDArray[np.float32], tmp_path: Path
) -> None:
    output = tmp_path / "a.txt"
    listening = process(levels_bundle, "--input", "-", "--raw", RATE, "-o", output)
    assert listening.stdin and listening.stdout
    for block in in_blocks(speech):
        listening.stdin.write(block.astype("<i2").tobytes())
    listening.stdin.flush()
    assert listening.stdout.readline() == b"hello world\n"  # and the pipe is still open
    listening.send_signal(signal.SIGTERM)
    rest, errors = listening.communicate(timeout=60)
    assert (listening.returncode, errors) == (128 + signal.SIGTERM, b"")
    assert output.read_text(encoding="utf-8").startswith("hello world")
    assert rest in (b"", b"good day\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="of its terminals")
def test_what_was_heard_is_kept_when_the_terminal_is_closed(
    levels_bundle: Path, speech: NDArray[np.float32], tmp_path: Path
) -> None:
    output = tmp_path / "a.txt"
    command = [sys.executable, "-m", "speechlstm", "listen", "--bundle", str(levels_bundle)]
    command += ["--input", "-", "--raw", f"{RATE}", "-o", str(output)]
    samples, sent = os.pipe()
    process, controller = pty.fork()
    if process == 0:
        os.dup2(samples, 0)
        os.close(sent)
        os.execv(sys.executable, command)
    os.write(sent, b"".join(block.astype("<i2").tobytes() for block in in_blocks(speech)))
    shown = b""
    while b"hello world\r\n" not in shown:
        shown += os.read(controller, 1024)
    os.close(controller)
    _, status = os.waitpid(process, 0)
    os.close(sent)
    os.close(samples)
    assert output.read_text(encoding="utf-8").startswith("hello world")
    assert os.waitstatus_to_exitcode(status) in (1, 129)  # 1: it could not print any more


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")
def test_a_terminal_shows_the_words_so_far(levels_bundle: Path, recording: Path) -> None:
    controller, terminal = os.openpty()
    command = [sys.executable, "-m", "speechlstm", "listen", "--bundle", str(levels_bundle)]
    done = subprocess.run(
        [*command, "--input", str(recording)],
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=True,
        env={**os.environ, "COLUMNS": "9"},
    )
    shown = os.read(controller, 65536).decode()
    os.close(terminal)
    os.close(controller)
    assert done.stdout == b"hello world\ngood day\n"
    assert "\rlo world" in shown  # the end of the line, in one column less than there are
    assert "\n" not in shown


def test_real_time_is_kept(levels_bundle: Path, recording: Path) -> None:
    start = time.monotonic()
    result = listen(levels_bundle, "--input", recording, "--realtime")
    assert time.monotonic() - start >= soundfile.info(recording).duration - 0.1
    assert result.stdout == "hello world\ngood day\n"
