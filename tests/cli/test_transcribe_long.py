"""Long recordings and many: what appears when, in which processes, and which files are written."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.cli import main
from speechlstm.parallel import map_in_processes
from speechlstm.recognizer import sharing

SAMPLE_RATE = 16000
WORDS = ["one", "two", "three", "four"] * 12
TEXT = " ".join(WORDS)

Say = Callable[[str], NDArray[np.float32]]


def every_second(say: Say, words: list[str]) -> NDArray[np.float32]:
    """A recording with a word every 1.3 s."""
    padded = [np.pad(say(f" {word}"), (0, round(1.3 * SAMPLE_RATE))) for word in words]
    return np.concatenate([piece[: round(1.3 * SAMPLE_RATE)] for piece in padded])


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, spoken: Say) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    soundfile.write(folder / "long.flac", every_second(spoken, WORDS), SAMPLE_RATE)
    (folder / "rec" / "monday").mkdir(parents=True)
    soundfile.write(folder / "rec/monday/a.WAV", spoken("hello world"), SAMPLE_RATE)
    soundfile.write(folder / "rec/b.flac", spoken("goodbye"), SAMPLE_RATE)
    (folder / "rec/notes.txt").write_text("no recording")
    soundfile.write(folder / "rec/.hidden.wav", spoken("hidden"), SAMPLE_RATE)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recordings: Path) -> Path:
    """A recording of a minute, three segments at least, and short ones in folders."""
    monkeypatch.chdir(shutil.copytree(recordings, tmp_path, dirs_exist_ok=True))
    return tmp_path


def transcribe(bundle: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["transcribe", "--model", str(bundle), *arguments])


def contents(folder: str) -> dict[str, str]:
    files = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text(errors="replace") for path in files}


def test_a_long_file_is_one_line_where_it_is_piped(levels_bundle: Path, folder: Path) -> None:
    result = transcribe(levels_bundle, "long.flac")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{TEXT}\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--timestamps"], ["--format", "json"]])
def test_the_result_does_not_depend_on_the_number_of_processes(
    levels_bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    alone = transcribe(levels_bundle, "--jobs", "1", "long.flac", "rec", *arguments)
    monkeypatch.setattr(sharing, "map_in_processes", partial(map_in_processes, patience=0.0))
    shared = transcribe(levels_bundle, "--jobs", "2", "long.flac", "rec", *arguments)
    assert (shared.exit_code, shared.stdout) == (0, alone.stdout)


TIMED = re.compile(r"\[(\d\d):(\d\d):(\d\d\.\d{3}) --> (\d\d):(\d\d):(\d\d\.\d{3})\] (.+)")


@pytest.mark.slow
def test_timestamps_are_those_of_the_words(levels_bundle: Path, folder: Path) -> None:
    lines = transcribe(levels_bundle, "--timestamps", "long.flac").stdout.splitlines()
    found = [TIMED.fullmatch(line) for line in lines]
    assert all(found)
    said = [(float(m[3]) + 60 * int(m[2]), m[7].split()) for m in found if m]
    assert [word for _, words in said for word in words] == WORDS
    place = 0
    for start, words in said:  # each word begins 0.05 s after a multiple of 1.3 s
        assert start == pytest.approx(1.3 * place + 0.05, abs=0.0111)
        place += len(words)
    named = transcribe(levels_bundle, "--timestamps", "long.flac", "rec/b.flac").stdout
    assert named.splitlines()[:-1] == [f"long.flac\t{line}" for line in lines]
    assert transcribe(levels_bundle, "--timestamps", "long.flac", "-o", "t.txt").exit_code == 0
    assert Path("t.txt").read_text().splitlines() == lines


def test_timestamps_of_channels_are_in_the_order_of_time(
    levels_bundle: Path, folder: Path, spoken: Say
) -> None:
    first, second = spoken("hello world"), spoken("goodbye")
    padded = np.pad(second, (0, len(first) - len(second)))
    soundfile.write("two.wav", np.stack([first, padded], 1), SAMPLE_RATE)
    result = transcribe(levels_bundle, "--timestamps", "--channels", "separate", "two.wav")
    assert [line.partition("] ")[2] for line in result.stdout.splitlines()] == [
        "1: hello world",
        "2: goodbye",
    ]


def test_timestamps_of_silence_are_nothing(levels_bundle: Path, folder: Path) -> None:
    soundfile.write("silence.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    result = transcribe(levels_bundle, "--timestamps", "silence.wav")
    assert (result.exit_code, result.stdout) == (0, "")


SLOW = """
import sys, time
from speechlstm.recognizer import Recognizer
hear = Recognizer.hypotheses
def slowly(self, audio):
    time.sleep(0.7)
    return hear(self, audio)
Recognizer.hypotheses = slowly
from speechlstm.cli import main
main()
"""


def slow(bundle: Path, *arguments: str) -> list[str]:
    return [
        sys.executable, "-c", SLOW, "transcribe", "--jobs", "1", "--bundle", str(bundle), *arguments
    ]  # fmt: skip


@pytest.mark.slow
def test_segments_with_timestamps_appear_before_the_end(levels_bundle: Path, folder: Path) -> None:
    command = slow(levels_bundle, "--timestamps", "long.flac")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "one" in process.stdout.readline()
        assert process.poll() is None
        seen = time.monotonic()
        process.stdout.read()
    assert time.monotonic() - seen > 1  # two segments more


def seen_on_a_terminal(command: list[str]) -> str:
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    pytest.importorskip("termios").tcsetwinsize(theirs, (24, 80))
    with subprocess.Popen(command, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                block = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not block:
                break
            seen += block
    os.close(ours)
    assert process.returncode == 0
    return seen.decode()


@pytest.mark.slow
def test_a_terminal_shows_each_segment_and_the_time_left(levels_bundle: Path, folder: Path) -> None:
    seen = seen_on_a_terminal(slow(levels_bundle, "long.flac"))
    assert re.search(r"\d+%\|.*\| 00:0\d<00:0\d", seen)
    lines = [line.rpartition("\r")[2].strip() for line in seen.split("\r\n")]
    lines = [line for line in lines if line]
    assert len(lines) >= 3
    assert " ".join(lines) == TEXT


@pytest.mark.slow
def test_a_terminal_shows_a_short_file_as_a_pipe_does(levels_bundle: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "speechlstm", "transcribe", "--bundle", str(levels_bundle)]
    assert seen_on_a_terminal([*command, "rec/b.flac"]).split() == ["goodbye"]


def test_folders_are_searched_for_recordings(levels_bundle: Path, folder: Path) -> None:
    result = transcribe(levels_bundle, "rec")
    assert (result.exit_code, result.stderr) == (0, "")
    names = [str(Path("rec/b.flac")), str(Path("rec/monday/a.WAV"))]
    assert result.stdout == f"{names[0]}\tgoodbye\n{names[1]}\thello world\n"


def test_a_folder_out_has_the_folders_in(levels_bundle: Path, folder: Path) -> None:
    result = transcribe(levels_bundle, "rec", "-o", "out", "--format", "text,srt")
    assert (result.exit_code, result.output) == (0, "")
    found = contents("out")
    assert list(found) == ["b.srt", "b.txt", "monday/a.srt", "monday/a.txt"]
    assert (found["b.txt"], found["monday/a.txt"]) == ("goodbye\n", "hello world\n")
    assert found["b.srt"].endswith("goodbye\n")


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        (["long.flac", "-o", "out/"], ["long.txt"]),
        (["long.flac", "-o", "out", "--format", "ctm,textgrid"], ["long.TextGrid", "long.ctm"]),
        (["long.flac", "rec/b.flac", "-o", "out", "--format", "vtt"], ["b.vtt", "long.vtt"]),
        (["rec", "-o", "out", "--timestamps"], ["b.txt", "monday/a.txt"]),
    ],
)
def test_what_needs_a_folder_gets_one(
    levels_bundle: Path, folder: Path, arguments: list[str], files: list[str]
) -> None:
    assert transcribe(levels_bundle, *arguments).exit_code == 0
    assert list(contents("out")) == files


def test_a_single_file_holds_what_a_folder_has(levels_bundle: Path, folder: Path) -> None:
    assert transcribe(levels_bundle, "rec", "-o", "all.txt").exit_code == 0
    assert Path("all.txt").read_text() == transcribe(levels_bundle, "rec").stdout


def test_what_exists_can_be_skipped(levels_bundle: Path, folder: Path) -> None:
    Path("out").mkdir()
    Path("out/b.srt").write_text("kept")
    arguments = ["rec", "-o", "out", "--format", "srt,json", "--skip-existing"]
    assert transcribe(levels_bundle, *arguments).exit_code == 0
    assert contents("out")["b.srt"] == "kept"  # and only what is missing was written
    assert '"goodbye"' in contents("out")["b.json"]
    Path("out/b.json").write_text("kept, too")
    Path("out/monday/a.json").unlink()
    result = transcribe(levels_bundle, *arguments)
    assert (result.exit_code, result.stderr) == (0, "1 of 2 were there before; skipped\n")
    assert contents("out")["b.json"] == "kept, too"
    assert transcribe(levels_bundle, *arguments[:-1]).exit_code == 0
    assert "goodbye" in contents("out")["b.srt"]
    Path("one.txt").write_text("kept")
    assert transcribe(levels_bundle, "long.flac", "-o", "one.txt", "--skip-existing").exit_code == 0
    assert Path("one.txt").read_text() == "kept"


def test_where_nothing_is_left_to_do_no_model_is_loaded_and_nothing_written(
    levels_bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["rec", "-o", "out", "--skip-existing"]
    assert transcribe(levels_bundle, *arguments).exit_code == 0
    Path("one.txt").write_text("kept")
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)  # root may write
    for given in (arguments, ["long.flac", "-o", "one.txt", "--skip-existing"]):
        assert transcribe(Path("no-bundle"), *given).exit_code == 0
    Path("out/b.txt").unlink()
    for given in (arguments, ["long.flac", "-o", "one.txt"]):
        result = transcribe(levels_bundle, *given)
        assert result.exit_code == 2
        assert "'-o' / '--output': " in result.stderr
        assert result.stderr.endswith(": the folder is not writable\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="of signals")
def test_a_killed_command_has_written_what_is_done_and_goes_on(
    levels_bundle: Path, folder: Path
) -> None:
    arguments = ["rec", "long.flac", "-o", "out", "--skip-existing"]
    with subprocess.Popen(slow(levels_bundle, *arguments)) as process:
        until = time.monotonic() + 60
        while not Path("out/monday/a.txt").exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
    assert contents("out") == {"b.txt": "goodbye\n", "monday/a.txt": "hello world\n"}
    result = transcribe(levels_bundle, *arguments)
    assert (result.exit_code, result.stderr) == (0, "2 of 3 were there before; skipped\n")
    assert contents("out")["long.txt"] == f"{TEXT}\n"


def test_a_bad_file_does_not_stop_the_others(levels_bundle: Path, folder: Path) -> None:
    Path("rec/bad.wav").write_text("no sound" * 100)
    Path("rec/cut.wav").write_bytes(Path("rec/monday/a.WAV").read_bytes()[:3000])
    result = transcribe(levels_bundle, "rec", "-o", "out")
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert first.startswith(f"Error: {Path('rec/bad.wav')}: cannot be decoded")
    assert second.startswith(f"Error: {Path('rec/cut.wav')}: is truncated")
    assert list(contents("out")) == ["b.txt", "cut.txt", "monday/a.txt"]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["rec", "rec/b.flac", "-o", "out"], 1, "rec/b.flac: is given twice"),
        (["rec", "-o", "out", "--format", "srt,xml"], 2, "'xml' is not one of text, json"),
        (["long.flac", "--format", "srt,json"], 2, "--format srt,json needs -o FOLDER"),
        (["rec", "--format", "srt"], 2, "--format srt is for one FILE at a time, or for -o FOLDER"),
        (["long.flac", "-o", "a.srt", "--format", "srt,json"], 2, "needs -o FOLDER"),
        (["long.flac", "--skip-existing"], 2, "--skip-existing needs -o"),
        (["long.flac", "--ray", "local", "--jobs", "2"], 2, "--jobs is for this machine alone"),
        (["long.flac", "--timestamps", "-o", "a.srt"], 2, "--timestamps is for --format text"),
        (["long.flac", "-o", "rec/notes.txt/"], 2, "notes.txt: is a file; give a folder"),
    ],
)
def test_what_cannot_be_done_is_refused_before_the_work(
    levels_bundle: Path, folder: Path, arguments: list[str], exit_code: int, message: str
) -> None:
    before = contents(".")
    result = transcribe(levels_bundle, *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert message in result.stderr.splitlines()[-1]
    assert contents(".").keys() == before.keys()


def test_no_output_replaces_an_input_or_its_text(levels_bundle: Path, folder: Path) -> None:
    Path("rec/b.txt").write_text("what is said in b")
    result = transcribe(levels_bundle, "rec", "-o", "rec")
    assert result.exit_code == 1
    assert "b.txt: stands beside its recording and may be its text" in result.stderr
    assert Path("rec/b.txt").read_text() == "what is said in b"
    assert transcribe(levels_bundle, "rec", "-o", "rec", "--format", "srt").exit_code == 0
    assert transcribe(levels_bundle, "rec", "-o", "rec", "--skip-existing").exit_code == 0
    assert Path("rec/b.txt").read_text() == "what is said in b"
    assert Path("rec/monday/a.txt").read_text() == "hello world\n"
    os.link("rec/b.flac", "rec/c.srt")  # an input under another name
    result = transcribe(levels_bundle, "rec/b.flac", "rec", "-o", "rec", "--format", "srt")
    assert result.exit_code == 1
    Path("rec/c.srt").unlink()
    soundfile.write("rec/c.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    os.link("rec/b.flac", "rec/c.srt")
    result = transcribe(levels_bundle, "rec", "-o", "rec", "--format", "srt")
    assert (result.exit_code, "is one of the recordings" in result.stderr) == (1, True)


def test_a_device_is_still_an_output(levels_bundle: Path, folder: Path) -> None:
    assert transcribe(levels_bundle, "rec", "-o", os.devnull).exit_code == 0


def test_subtitles_keep_the_limits_that_are_given(levels_bundle: Path, folder: Path) -> None:
    limits = ["--max-line-width", "9", "--max-line-count", "1", "--min-cue-seconds", "1.2"]
    assert transcribe(levels_bundle, "long.flac", "-o", "a.srt", *limits).exit_code == 0
    shown = [cue.splitlines()[1:] for cue in Path("a.srt").read_text().split("\n\n")]
    assert " ".join(line for _, *lines in shown for line in lines) == TEXT
    assert all(len(lines) == 1 and len(lines[0]) <= 9 for _, *lines in shown)
    assert any(" --> 00:00:01,250" in times for times, *_ in shown)  # 1.2 s from 0.05 s on
    marked = transcribe(levels_bundle, "rec/b.flac", "--format", "vtt", "--highlight-words")
    assert "<u>goodbye</u>" in marked.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-line-width", "40"], "--max-cue-seconds are for subtitles: --format srt or vtt"),
        (["--format", "srt", "--highlight-words"], "--highlight-words is for --format vtt"),
        (["--format", "srt", "--max-line-count", "0"], "0 is not in the range"),
        (["--format", "srt", "--min-cue-seconds", "8"], "--max-cue-seconds: must be in this order"),
    ],
)
def test_limits_of_subtitles_that_cannot_be_kept(
    levels_bundle: Path, folder: Path, arguments: list[str], message: str
) -> None:
    result = transcribe(levels_bundle, "rec/b.flac", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr.splitlines()[-1]
