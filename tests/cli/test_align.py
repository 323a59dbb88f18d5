import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from speechlstm.audio import read_audio
from speechlstm.cli import main


@pytest.fixture(autouse=True)
def recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoken: Callable[[str], NDArray[np.float32]]
) -> None:
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", spoken("hello world"), 16000)
    Path("a.txt").write_text("Hello,\nworld!")


def align(bundle: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["align", "--model", str(bundle), *arguments])


def test_prints_ctm_of_a_file_or_of_words(levels_bundle: Path) -> None:
    result = align(levels_bundle, "a.wav", "a.txt")
    assert (result.exit_code, result.stderr) == (0, "")
    # 10 ms of silence and 30 ms of each character.
    fields = [line.split()[:5] for line in result.stdout.splitlines()]
    assert fields == [
        ["a", "1", "0.010", "0.190", "Hello,"],
        ["a", "1", "0.250", "0.190", "world!"],
    ]
    again = align(levels_bundle, "a.wav", "--text", "hello world").stdout
    assert again == result.stdout.replace("Hello,", "hello").replace("world!", "world")


@pytest.mark.parametrize("words", ["hello world", "hello world " * 50])  # longer than names may be
def test_words_in_place_of_the_file_are_told_of_text(levels_bundle: Path, words: str) -> None:
    result = align(levels_bundle, "a.wav", words)
    expected = f"Error: {words}: No such file or directory; for words themselves: --text\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", expected)


def test_another_text_is_aligned_too_and_doubted(levels_bundle: Path) -> None:
    def confidence(text: str) -> float:
        written = align(levels_bundle, "a.wav", "--text", text, "--format", "json").stdout
        return float(json.loads(written)["words"][1]["confidence"])

    assert confidence("hello world") > 0.9
    assert confidence("hello would") < 0.5


@pytest.mark.parametrize(
    ("arguments", "first"),
    [
        (["-o", "a.TextGrid"], 'File type = "ooTextFile"'),
        (["-o", "a.json"], '{"file": "a.wav", "text": "Hello, world!"'),
        (["-o", "times"], "a 1 0.010"),
        (["-o", "a.json", "--format", "ctm"], "a 1 0.010"),
    ],
)
def test_the_outputs_name_chooses_the_format(
    levels_bundle: Path, arguments: list[str], first: str
) -> None:
    result = align(levels_bundle, "a.wav", "a.txt", *arguments)
    assert (result.exit_code, result.output) == (0, "")
    written = Path(arguments[1]).read_text()
    assert written.startswith(first)
    assert written.endswith("\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello м 2 м н", "a.wav: not in the alphabet: 'м' (U+043C), 'н' (U+043D); correct"),
        ("", "a.wav: the text has no word to align"),
        (" ?! ", "a.wav: the text has no word to align"),
    ],
)
def test_a_text_that_cannot_be_said_is_one_line(
    levels_bundle: Path, text: str, message: str
) -> None:
    result = align(levels_bundle, "a.wav", "--text", text, "-o", "out.ctm")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1
    assert not Path("out.ctm").exists()


def test_files_that_cannot_be_read_are_named(levels_bundle: Path) -> None:
    Path("latin1.txt").write_bytes("größe".encode("latin1"))
    Path("hello.json").write_text('{"text": "hello world"}')
    for arguments, reason in (
        (["b.wav", "a.txt"], "b.wav: cannot be read"),
        (["a.wav", "b.txt"], "Error: b.txt: No such file or directory"),
        (["a.wav", "latin1.txt"], "latin1.txt: not UTF-8"),
        (["a.wav", "hello.json"], "hello.json: is no text; write what is spoken into a .txt"),
    ):
        result = align(levels_bundle, *arguments)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert reason in result.stderr


@pytest.mark.parametrize("arguments", [[], ["a.txt", "--text", "hello world"]])
def test_needs_one_text(levels_bundle: Path, arguments: list[str]) -> None:
    result = align(levels_bundle, "a.wav", *arguments)
    assert result.exit_code == 2
    assert "needs either the file TEXT or --text" in result.stderr


def subtitles(path: str) -> list[list[str]]:
    return [cue.splitlines()[1:] for cue in Path(path).read_text().strip().split("\n\n")]


def test_a_line_is_a_subtitle_as_it_is_written(levels_bundle: Path) -> None:
    Path("long.txt").write_text("Hello,\n\n***\n  \u201cWorld!\u201d\n")
    assert align(levels_bundle, "a.wav", "long.txt", "-o", "a.srt").exit_code == 0
    assert subtitles("a.srt") == [
        ["00:00:00,010 --> 00:00:00,250", "Hello,"],
        ["00:00:00,250 --> 00:00:01,050", "\u201cWorld!\u201d"],
    ]
    shorter = ["--min-cue-seconds", "0", "-o", "a.srt"]
    assert align(levels_bundle, "a.wav", "long.txt", *shorter).exit_code == 0
    assert subtitles("a.srt") == [
        ["00:00:00,010 --> 00:00:00,200", "Hello,"],
        ["00:00:00,200 --> 00:00:00,250", "***"],
        ["00:00:00,250 --> 00:00:00,440", "\u201cWorld!\u201d"],
    ]
    values = json.loads(align(levels_bundle, "a.wav", "long.txt", "--format", "json").stdout)
    assert [line["text"] for line in values["lines"]] == ["Hello,", "***", "\u201cWorld!\u201d"]
    assert [word["text"] for word in values["words"]] == ["Hello,", "\u201cWorld!\u201d"]


def test_subtitles_are_timed_anew(levels_bundle: Path) -> None:
    first = "7\n00:01:00,000 --> 00:01:02,000\n<i>Hello</i>\n"
    old = f"{first}\n8\n00:01:02,000 --> 00:01:03,000\nworld\n"
    Path("old.srt").write_text(old)
    assert align(levels_bundle, "a.wav", "old.srt", "-o", "new.vtt").exit_code == 0
    assert Path("new.vtt").read_text() == (
        "WEBVTT\n\n00:00:00.010 --> 00:00:00.250\nHello\n\n00:00:00.250 --> 00:00:01.050\nworld\n"
    )
    assert align(levels_bundle, "a.wav", "new.vtt", "-o", "newer.srt").exit_code == 0
    assert [text for _, text in subtitles("newer.srt")] == ["Hello", "world"]


def test_lines_are_cut_if_a_limit_is_given(levels_bundle: Path) -> None:
    Path("lines.txt").write_text("Hello world\n")
    limits = ["--max-line-width", "5", "--max-line-count", "1", "--min-cue-seconds", "0"]
    assert align(levels_bundle, "a.wav", "lines.txt", "-o", "a.srt", *limits).exit_code == 0
    assert [text for _, text in subtitles("a.srt")] == ["Hello", "world"]
    Path("marks.txt").write_text("Hello\n***\nworld\n")
    assert align(levels_bundle, "a.wav", "marks.txt", "-o", "a.srt", *limits).exit_code == 0
    assert [text for _, text in subtitles("a.srt")] == ["Hello", "***", "world"]
    result = align(levels_bundle, "a.wav", "lines.txt", "--max-line-width", "5")
    assert (result.exit_code, "are for subtitles" in result.stderr) == (2, True)


def test_lines_that_are_not_spoken_are_named(levels_bundle: Path) -> None:
    Path("other.txt").write_text("Hello\n\nxyzzy\n")
    result = align(levels_bundle, "a.wav", "other.txt", "-o", "a.srt")
    assert result.exit_code == 0
    (warning,) = result.stderr.splitlines()
    assert warning.startswith("Warning: line 3 at 00:00:00.")
    assert warning.endswith(": not spoken: 'xyzzy'")
    assert align(levels_bundle, "a.wav", "a.txt").stderr == ""


def test_text_or_recording_come_from_standard_input(levels_bundle: Path) -> None:
    expected = align(levels_bundle, "a.wav", "a.txt").stdout
    command = ["align", "--model", str(levels_bundle)]
    text = CliRunner().invoke(main, [*command, "a.wav", "-"], input=Path("a.txt").read_bytes())
    assert (text.exit_code, text.stdout) == (0, expected)
    sound = CliRunner().invoke(main, [*command, "-", "a.txt"], input=Path("a.wav").read_bytes())
    assert (sound.exit_code, sound.stdout) == (0, expected.replace("a 1", "- 1"))
    assert CliRunner().invoke(main, [*command, "-", "-"], input=b"").exit_code == 2
    bad = CliRunner().invoke(main, [*command, "-", "a.txt"], input=b"no sound" * 100)
    assert bad.exit_code == 1
    assert bad.stderr.startswith("Error: -: cannot be decoded")
    latin = CliRunner().invoke(main, [*command, "a.wav", "-"], input="größe".encode("latin1"))
    assert latin.stderr.startswith("Error: -: not UTF-8")


@pytest.mark.parametrize(
    ("text", "times"),  # 10 ms of silence and 30 ms of each character.
    [
        ("2026!", {"2026!": ["0.010", "0.230"]}),
        (
            "On 2. 3.",
            {"On": ["0.010", "0.070"], "2.": ["0.130", "0.030"], "3.": ["0.210", "0.030"]},
        ),
    ],
)
def test_a_text_may_be_mostly_figures(
    levels_bundle: Path,
    spoken: Callable[[str], NDArray[np.float32]],
    text: str,
    times: dict[str, list[str]],
) -> None:
    soundfile.write("b.wav", spoken("on a b"), 16000)
    result = align(levels_bundle, "b.wav", "--text", text)
    assert result.exit_code == 0
    found = {fields[4]: fields[2:4] for fields in map(str.split, result.stdout.splitlines())}
    assert found == times


def test_figures_are_timed_by_their_neighbours(
    levels_bundle: Path, spoken: Callable[[str], NDArray[np.float32]]
) -> None:
    soundfile.write("b.wav", spoken("go to ten doors"), 16000)
    result = align(levels_bundle, "b.wav", "--text", "Go to 10 d\u00f3\u00f3rs")
    assert result.exit_code == 0
    assert result.stderr.startswith("Warning: '10': have symbols that the alphabet lacks; their")
    assert len(result.stderr.splitlines()) == 1
    fields = [line.split()[2:5] for line in result.stdout.splitlines()]
    # 10 ms of silence and 30 ms of each character.
    assert fields[1:] == [
        ["0.130", "0.070", "to"],
        ["0.250", "0.110", "10"],
        ["0.410", "0.190", "d\u00f3\u00f3rs"],
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reading", "zip"])
def test_a_text_that_is_a_part_of_what_is_spoken_stays_together(name: str) -> None:
    """Its words are not drawn to others like them, seconds away."""
    samples = Path(__file__).parents[2] / "data" / "samples"
    sounds, bounds, end = [], {}, 0
    for other in ("digits", "date", "reading", "answers", "zip", "commands"):
        sounds.append(read_audio(samples / f"{other}.wav", 16000).samples)
        start, end = end, end + len(sounds[-1])
        bounds[other] = (start / 16000, end / 16000)
    soundfile.write("mix.wav", np.concatenate(sounds), 16000)
    text = (samples / f"{name}.txt").read_text(encoding="utf-8")
    result = CliRunner().invoke(main, ["align", "mix.wav", "--text", text, "--format", "json"])
    words = json.loads(result.stdout)["words"]
    assert len(words) == len(text.split())
    assert bounds[name][0] - 1 < words[0]["start"]
    assert words[-1]["start"] < bounds[name][1] + 1
    assert max(word["end"] - word["start"] for word in words) < 1


def test_words_that_are_not_spoken_have_no_time(levels_bundle: Path) -> None:
    Path("more.txt").write_text("Hello fuzzy\nquick fox\nworld!\n")
    result = align(levels_bundle, "a.wav", "more.txt")
    assert result.stderr.splitlines() == [
        "Warning: line 1 at 00:00:00.010: not spoken: 'fuzzy'",
        "Warning: line 2 at 00:00:00.200: not spoken: 'quick fox'",
    ]
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [fields[4] for fields in lines] == ["Hello", "world!"]
    assert [float(fields[2]) for fields in lines] == pytest.approx([0.01, 0.25], abs=0.011)
    values = json.loads(align(levels_bundle, "a.wav", "more.txt", "--format", "json").stdout)
    assert [word.get("spoken", True) for word in values["words"]] == [True, *[False] * 3, True]
    first, second, third = values["lines"]
    assert [second["start"], second["end"]] == [first["end"], third["start"]]
    grid = align(levels_bundle, "a.wav", "more.txt", "--format", "textgrid").stdout
    assert ("world!" in grid, "quick" in grid) == (True, False)
    for arguments in ([], ["--max-line-width", "20", "--min-cue-seconds", "0"]):
        arguments += ["--format", "srt"]
        shown = align(levels_bundle, "a.wav", "more.txt", *arguments).stdout
        assert "quick" not in shown
        assert re.findall(r"00:00:00,2[56]0 --> .*\nworld", shown)
        assert ("fuzzy" in shown) == (len(arguments) == 2)  # within a line that is kept


def test_more_words_may_be_left_out_than_there_is_time_for(levels_bundle: Path) -> None:
    Path("more.txt").write_text("Jumpy zigzag.\n" * 9 + "Hello,\nworld!\n" + "Quick fox.\n" * 9)
    result = align(levels_bundle, "a.wav", "more.txt")
    assert result.exit_code == 0
    assert [line.split()[4] for line in result.stdout.splitlines()] == ["Hello,", "world!"]
    assert result.stdout == align(levels_bundle, "a.wav", "a.txt").stdout


def test_a_text_of_which_no_word_is_spoken_is_refused(levels_bundle: Path) -> None:
    result = align(levels_bundle, "a.wav", "--text", "jumpy zigzag")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: a.wav: no word of the text seems to be spoken")
