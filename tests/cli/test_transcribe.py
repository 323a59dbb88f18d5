import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread

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
    Path("folder").mkdir()
    bad = ["missing.wav", "empty.wav", "text.wav", "cut.wav", "blip.wav"]
    result = transcribe(levels_bundle, "hello.wav", *bad, "folder", "goodbye.wav")
    assert result.exit_code == 1
    assert result.stdout == "hello.wav\thello world\ncut.wav\thea\ngoodbye.wav\tgoodbye\n"
    first, *errors = result.stderr.splitlines()
    assert first.startswith("Error: folder: is a folder without a recording; known suffixes are")
    assert len(errors) == len(bad)
    for error, name in zip(errors, bad, strict=True):
        assert error.startswith(f"Error: {name}: ")


def test_a_dash_is_stdin(levels_bundle: Path, recordings: Path) -> None:
    arguments = ["transcribe", "--model", str(levels_bundle), "-", "goodbye.wav"]
    result = CliRunner().invoke(main, arguments, input=Path("hello.wav").read_bytes())
    assert (result.exit_code, result.stdout) == (0, "-\thello world\ngoodbye.wav\tgoodbye\n")
    result = CliRunner().invoke(main, arguments, input=b"these are words, not sounds\n" * 10)
    assert (result.exit_code, result.stdout) == (1, "goodbye.wav\tgoodbye\n")
    assert result.stderr.startswith("Error: -: cannot be decoded")


def test_a_file_that_was_there_stays_if_nothing_can_be_written(
    levels_bundle: Path, recordings: Path
) -> None:
    Path("out.txt").write_text("before")
    assert transcribe(levels_bundle, "-o", "out.txt", "no.wav", "none.wav").exit_code == 1
    assert Path("out.txt").read_text() == "before"
    assert transcribe(levels_bundle, "-o", "out.txt", "hello.wav", "--lm", "no.lm").exit_code == 1
    assert Path("out.txt").read_text() == "before"


@pytest.fixture
def mumbled(recordings: Path, spoken: Callable[[str], NDArray[np.float32]]) -> str:
    """A recording in which each frame of a letter is as likely an "a" as a "b"."""
    soundfile.write("mumbled.wav", 0.52 * spoken("hat") + 0.48 * spoken("hbt"), SAMPLE_RATE)
    return "mumbled.wav"


def test_n_best_are_alternatives_in_json(levels_bundle: Path, mumbled: str) -> None:
    result = transcribe(levels_bundle, "--format", "json", "--n-best", "4", mumbled)
    best = json.loads(result.stdout)
    readings = [best, *best["alternatives"]]
    texts = {reading["text"] for reading in readings}
    assert len(texts) == 4
    assert all(set(text) <= set("habt") for text in texts)
    log_probs = [reading["log_prob"] for reading in readings]
    assert log_probs == sorted(log_probs, reverse=True)
    assert all([w["text"] for w in r["words"]] == [r["text"]] for r in readings)


def test_hot_words_are_preferred(levels_bundle: Path, mumbled: str) -> None:
    Path("hot.txt").write_text("# a caf\u00e9: x\ncat\n\nhbt\n")
    assert transcribe(levels_bundle, mumbled).stdout == "hat\n"
    assert transcribe(levels_bundle, "--hot-word", "hbt", mumbled).stdout == "hbt\n"
    assert transcribe(levels_bundle, "--hot-words", "hot.txt", mumbled).stdout == "hbt\n"
    assert transcribe(levels_bundle, "--hot-word", "hat:-9", mumbled).stdout != "hat\n"
    Path("weights.txt").write_text("  # c\u00e4t: x\nhbt:2.5 # a word\nhat:-9\n")
    assert transcribe(levels_bundle, "--hot-words", "weights.txt", mumbled).stdout == "hbt\n"
    result = transcribe(levels_bundle, "--hot-word", "\u0436uk", mumbled)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "'\u0436' (U+0436)" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["--beam-width", "many"], 2, "'many' is not a valid integer"),
        (["--beam-width", "1" + 30 * "0"], 2, "--beam-width: must be a whole number, is 1000"),
        (["--lm", "no.lm"], 1, "no.lm: cannot be read: No such file"),
        (["--lm", "hello.wav"], 1, "hello.wav: "),
        (["--rescore", "a.tflite"], 1, "a.tflite: needs an n-gram model"),
        (["--hot-words", "no.txt"], 1, "--hot-words no.txt: cannot be read: No such file"),
        (["--hot-words", "hello.wav"], 1, "hello.wav: has zero bytes: not a text"),
        (["--hot-words", "long.txt"], 1, "long.txt:2: 'aa"),
        (["--hot-word", "a" * 5000], 2, "'--hot-word': 'aa"),
        (["--hot-word", "hat:much"], 2, "'--hot-word': 'hat:much': the text after the colon must"),
        (["--hot-word", "hat:nan"], 2, "'--hot-word': the weight of 'hat' must be a number from"),
        (["--hot-word", " "], 2, "'--hot-word': an empty word is not possible"),
        (["--n-best", "3"], 2, "--n-best is for --format json"),
        (["--greedy", "--n-best", "3", "-o", "a.json"], 2, "does not use --n-best; leave"),
        (["--fast", "--neural-lm", "phrases/fast.tflite"], 2, "does not use --neural-lm; leave"),
        (["--no-lm", "--lm", "a.lm"], 2, "--lm and --no-lm exclude each other"),
        (["--jobs", "0"], 2, "0 is not in the range"),
    ],
)
def test_options_that_cannot_be_met_are_one_line(
    levels_bundle: Path, recordings: Path, arguments: list[str], exit_code: int, message: str
) -> None:
    Path("long.txt").write_text("hat\n" + "a" * 5_000_000)
    result = transcribe(levels_bundle, "hello.wav", *arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    *usage, error = result.stderr.splitlines()
    assert message in error
    assert bool(usage) == (exit_code == 2)


def test_silence_is_an_empty_line(levels_bundle: Path, recordings: Path) -> None:
    soundfile.write("silence.wav", np.zeros(16000), SAMPLE_RATE)
    result = transcribe(levels_bundle, "silence.wav")
    assert (result.exit_code, result.stdout) == (0, "\n")


def test_a_bad_bundle_ends_it_with_one_line(levels_bundle: Path, recordings: Path) -> None:
    result = transcribe(recordings, "hello.wav", "goodbye.wav")
    assert (result.exit_code, result.stdout) == (1, "")
    (error,) = result.stderr.splitlines()
    assert error.startswith(f"Error: {recordings}/bundle.json: No such file")


def test_subtitles_go_where_their_suffix_says(levels_bundle: Path, recordings: Path) -> None:
    assert transcribe(levels_bundle, "hello.wav", "-o", "hello.srt").exit_code == 0
    lines = Path("hello.srt").read_text().splitlines()
    assert (lines[0], lines[2:]) == ("1", ["hello world"])
    assert " --> 00:00:0" in lines[1]


@pytest.mark.parametrize("name", ["out.jsonl", "out.JSON"])
def test_json_goes_where_its_suffixes_say(levels_bundle: Path, recordings: Path, name: str) -> None:
    assert transcribe(levels_bundle, "hello.wav", "-o", name).exit_code == 0
    assert json.loads(Path(name).read_text())["text"] == "hello world"


@pytest.mark.parametrize("verb", ["transcribe", "align"])
def test_an_unknown_suffix_is_refused_unless_a_format_is_named(
    levels_bundle: Path, recordings: Path, verb: str
) -> None:
    text = ["--text", "hello world"] if verb == "align" else []
    arguments = [verb, "--bundle", str(levels_bundle), "hello.wav", *text, "-o", "out.docx"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, Path("out.docx").exists()) == (2, False)
    assert "out.docx: no format has the suffix .docx, known are .txt, .json" in result.stderr
    assert CliRunner().invoke(main, [*arguments, "--format", "json"]).exit_code == 0
    assert json.loads(Path("out.docx").read_text())["text"] == "hello world"


def test_ctm_names_each_recording_and_omits_silence(levels_bundle: Path, recordings: Path) -> None:
    for folder, name in (("yes", "hello"), ("no", "goodbye")):
        Path(folder).mkdir()
        Path(f"{name}.wav").rename(f"{folder}/a.wav")
    soundfile.write("z.wav", np.zeros(16000), SAMPLE_RATE)
    result = transcribe(levels_bundle, "--format", "ctm", "yes/a.wav", "z.wav", "no/a.wav")
    words = [(fields[0], fields[4]) for fields in map(str.split, result.stdout.splitlines())]
    assert words == [("yes/a", "hello"), ("yes/a", "world"), ("no/a", "goodbye")]
    assert transcribe(levels_bundle, "z.wav", "-o", "z.ctm").exit_code == 0
    assert Path("z.ctm").read_text() == ""


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--format", "xml", "a.wav"],
        ["--format", "srt", "hello.wav", "goodbye.wav"],
        ["hello.wav", "-o", "no/folder.txt"],
    ],
)
def test_wrong_usage_is_exit_code_2(levels_bundle: Path, arguments: list[str]) -> None:
    assert transcribe(levels_bundle, *arguments).exit_code == 2


@pytest.mark.slow
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


def test_writes_where_a_link_leads_and_into_a_device(
    levels_bundle: Path, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    Path("link.txt").symlink_to(tmp_path / "there" / "hello.txt")
    access = os.access

    def only_there(path: Path, mode: int) -> bool:
        return access(path, mode) and (mode != os.W_OK or path.name == "there")

    monkeypatch.setattr(os, "access", only_there)
    assert transcribe(levels_bundle, "hello.wav", "-o", "link.txt").exit_code == 0
    assert (tmp_path / "there" / "hello.txt").read_text() == "hello world\n"
    assert transcribe(levels_bundle, "hello.wav", "-o", os.devnull).exit_code == 0
    refused = transcribe(levels_bundle, "hello.wav", "-o", "hello.txt")
    assert (refused.exit_code, "the folder is not writable" in refused.stderr) == (2, True)


def test_what_is_left_of_a_damaged_recording_is_printed(
    levels_bundle: Path, recordings: Path, spoken: Callable[[str], NDArray[np.float32]]
) -> None:
    soundfile.write("whole.wav", spoken("hello world goodbye"), SAMPLE_RATE)
    Path("cut.wav").write_bytes(Path("whole.wav").read_bytes()[:15000])
    result = transcribe(levels_bundle, "cut.wav")
    assert (result.exit_code, result.stdout.split()) == (1, ["hello", "world"])
    assert result.stderr.startswith("Error: cut.wav: is truncated at 0.47 s")
    assert len(result.stderr.splitlines()) == 1
    values = json.loads(transcribe(levels_bundle, "--format", "json", "cut.wav").stdout)
    ((start, end),) = values["lost"]
    assert (start, values["text"]) == (values["duration"], "hello world")
    assert end == pytest.approx(soundfile.info("whole.wav").duration, abs=1e-3)
    result = transcribe(levels_bundle, "cut.wav", "-o", "cut.srt")
    assert (result.exit_code, "hello world" in Path("cut.srt").read_text()) == (1, True)


@pytest.fixture
def dialogue(recordings: Path, spoken: Callable[[str], NDArray[np.float32]]) -> str:
    """A recording with other words on each channel."""
    first, second = spoken("hello world"), spoken("goodbye")
    second = np.pad(second, (0, len(first) - len(second)))
    soundfile.write("two.wav", np.stack([first, second], 1), SAMPLE_RATE)
    return "two.wav"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_channels(levels_bundle: Path, dialogue: str, jobs: str) -> None:
    def printed(*arguments: str) -> str:
        result = transcribe(levels_bundle, "--jobs", jobs, *arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    separate = "1: hello world\n2: goodbye\n"
    assert printed("--channels", "separate", dialogue) == separate
    assert printed("--channels", "1", dialogue) == "hello world\n"
    assert printed("--channels", "2", dialogue) == "goodbye\n"
    assert printed("--channels", "separate", "hello.wav") == "1: hello world\n"
    assert printed("--channels", "separate", dialogue, "hello.wav") == (
        "two.wav\t1: hello world\ntwo.wav\t2: goodbye\nhello.wav\t1: hello world\n"
    )


def test_channels_that_are_not_there(levels_bundle: Path, dialogue: str) -> None:
    result = transcribe(levels_bundle, "--channels", "3", dialogue)
    assert result.exit_code == 1
    assert (
        result.stderr == "Error: two.wav: has 2 channels, counted from 1; there is no channel 3\n"
    )
    for value in ("0", "-1", "left", "1.5"):
        assert transcribe(levels_bundle, "--channels", value, dialogue).exit_code == 2


@pytest.mark.slow
def test_opposite_channels_are_heard_and_named(
    levels_bundle: Path, recordings: Path, spoken: Callable[[str], NDArray[np.float32]]
) -> None:
    soundfile.write("a.wav", np.stack([spoken("hello"), -spoken("hello")], 1), SAMPLE_RATE)
    command = [sys.executable, "-m", "speechlstm", "transcribe", "--bundle", str(levels_bundle)]
    result = subprocess.run([*command, "a.wav"], check=True, capture_output=True, text=True)
    assert result.stdout == "hello\n"
    assert result.stderr.startswith("a.wav: channel 2 has the opposite polarity of channel 1")


def test_raw_samples(levels_bundle: Path, recordings: Path) -> None:
    samples, _ = soundfile.read("hello.wav", dtype="int16")
    Path("a.raw").write_bytes(samples.astype("<i2").tobytes())
    assert transcribe(levels_bundle, "--raw", "16000", "a.raw").stdout == "hello world\n"
    assert transcribe(levels_bundle, "--raw", "100", "a.raw").exit_code == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_pipes_are_read_by_name(levels_bundle: Path, dialogue: str) -> None:
    os.mkfifo("pipe")
    writer = Thread(target=Path("pipe").write_bytes, args=(Path(dialogue).read_bytes(),))
    writer.start()
    result = transcribe(levels_bundle, "--channels", "separate", "pipe")
    writer.join()
    assert result.stdout == "1: hello world\n2: goodbye\n"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's <&-")
def test_closed_stdin_is_one_line(levels_bundle: Path, recordings: Path) -> None:
    command = f"'{sys.executable}' -m speechlstm transcribe --bundle '{levels_bundle}' - <&-"
    result = subprocess.run(command, shell=True, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: -: standard input is closed")
    assert len(result.stderr.splitlines()) == 1


SAMPLE = str(Path(__file__).parents[2] / "data" / "samples" / "date.wav")


@pytest.mark.slow
def test_readable_text_is_written_if_it_is_asked_for() -> None:
    assert transcribe(Path("english"), SAMPLE).stdout == "july fourth seventeen seventy six\n"
    assert transcribe(Path("english"), "--readable", SAMPLE).stdout == "July 4, 1776.\n"
    values = json.loads(
        transcribe(Path("english"), "--readable", "--format", "json", SAMPLE).stdout
    )
    assert values["text"] == " ".join(word["text"] for word in values["words"])
    assert values["tokens"] == [{"text": "July 4, 1776.", "words": [0, 1, 2, 3, 4]}]


@pytest.mark.slow
def test_subtitles_are_readable_unless_raw_text_is_asked_for() -> None:
    for name in ("srt", "vtt"):
        assert "July 4, 1776." in transcribe(Path("english"), "--format", name, SAMPLE).stdout
    raw = transcribe(Path("english"), "--format", "srt", "--raw-text", SAMPLE).stdout
    assert "july fourth seventeen seventy six" in raw


def test_a_bundle_that_cannot_write_readable_text(levels_bundle: Path, recordings: Path) -> None:
    asked = transcribe(levels_bundle, "--readable", "hello.wav")
    assert asked.exit_code == 1
    assert asked.stderr.splitlines() == [
        f"Error: {levels_bundle}: has no network for readable text (punctuator.tflite); leave out "
        "--readable"
    ]
    # By default, subtitles are as readable as the bundle can make them.
    subtitles = transcribe(levels_bundle, "--format", "srt", "hello.wav")
    assert (subtitles.exit_code, subtitles.stderr) == (0, "")
    assert "hello world" in subtitles.stdout


@pytest.mark.parametrize("name", ["ctm", "textgrid"])
def test_lists_of_words_are_not_readable(levels_bundle: Path, name: str) -> None:
    result = transcribe(levels_bundle, "--readable", "--format", name, "hello.wav")
    assert result.exit_code == 2
    assert f"not {name}" in result.stderr


RTTM = "SPEAKER hello 1 0.010 0.430 <NA> <NA> speaker1 <NA> <NA>\n"


@pytest.mark.slow
def test_speakers_are_written_in_each_format(levels_bundle: Path, recordings: Path) -> None:
    def printed(*arguments: str) -> str:
        result = transcribe(levels_bundle, "--speakers", "auto", *arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    assert printed("hello.wav") == "Speaker 1: hello world\n"
    assert printed("hello.wav", "goodbye.wav").splitlines() == [
        "hello.wav\tSpeaker 1: hello world",
        "goodbye.wav\tSpeaker 1: goodbye",
    ]
    assert printed("--timestamps", "hello.wav").endswith("] Speaker 1: hello world\n")
    assert "<v Speaker 1>hello world" in printed("--format", "vtt", "hello.wav")
    assert "\nSpeaker 1: hello world" in printed("--format", "srt", "hello.wav")
    assert json.loads(printed("--format", "json", "hello.wav"))["words"][1]["speaker"] == 1
    assert printed("--format", "rttm", "hello.wav") == RTTM
    printed("-o", "hello.rttm", "hello.wav")
    assert Path("hello.rttm").read_text() == RTTM
    printed("-o", "both/", "--format", "rttm,text", "hello.wav", "goodbye.wav")
    assert Path("both/hello.rttm").read_text() == RTTM
    assert Path("both/goodbye.txt").read_text() == "Speaker 1: goodbye\n"


def test_silence_has_no_speaker(levels_bundle: Path, recordings: Path) -> None:
    soundfile.write("none.wav", np.zeros(16000), SAMPLE_RATE)
    for formats, expected in (("text", "\n"), ("rttm", "")):
        result = transcribe(levels_bundle, "--speakers", "2", "--format", formats, "none.wav")
        assert (result.exit_code, result.stdout) == (0, expected)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--speakers", "0"], 2, "'0' is not auto or a number from 1 to 100"),
        (["--speakers", "two"], 2, "'two' is not auto or a number from 1 to 100"),
        (["--speakers", "101"], 2, "'101' is not auto or a number from 1 to 100"),
        (["--speakers", "2", "--channels", "separate"], 2, "--channels N takes one of them"),
        (["--speakers", "2", "--n-best", "2", "--format", "json"], 2, "leave out --n-best"),
        (["--speaker-bundle", "english"], 2, "--speaker-bundle needs --speakers"),
        (["--format", "rttm"], 2, "--format rttm needs --speakers"),
        (["-o", "a.rttm"], 2, "--format rttm needs --speakers"),
        (
            ["--speakers", "2", "--speaker-bundle", "english"],
            1,
            "is a recogniser, not a classifier",
        ),
        (["--speakers", "2", "--speaker-bundle", "none"], 1, "no such bundle"),
    ],
)
def test_wrong_use_of_speakers_is_refused(
    levels_bundle: Path, recordings: Path, arguments: list[str], code: int, expected: str
) -> None:
    result = transcribe(levels_bundle, *arguments, "hello.wav")
    assert (result.exit_code, result.stdout) == (code, "")
    assert expected in " ".join(result.stderr.replace("│", " ").split())
