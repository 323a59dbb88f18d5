"""`speechlstm classify` with a network that hears how loud a recording is."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from speechlstm.cli import main

LOUDNESS = Path(__file__).parents[1] / "assets" / "loudness.tflite"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder with recordings that are soft (a.wav) and loud (b/c.wav)."""
    (tmp_path / "b").mkdir()
    for name, level in (("a.wav", 0.1), ("b/c.wav", 0.6)):
        soundfile.write(tmp_path / name, level * np.tile([1, -1], 4000), 16000)
    return tmp_path


def classify(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["classify", "--bundle", *map(str, [LOUDNESS, *arguments])])


def test_prints_the_class_and_its_probability(recordings: Path) -> None:
    result = classify(recordings / "a.wav")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "soft 0.982\n", "")


def test_prints_the_names_of_several_files_and_the_next_classes(recordings: Path) -> None:
    result = classify("--top", "2", recordings)
    a, c = recordings / "a.wav", recordings / "b" / "c.wav"
    expected = f"{a}\tsoft 0.982\tmedium 0.018\n{c}\tloud 1.000\tmedium 0.000\n"
    assert (result.exit_code, result.stdout) == (0, expected)


def test_json_has_all_classes(recordings: Path) -> None:
    result = classify("--format", "json", recordings / "a.wav")
    values = json.loads(result.stdout)
    assert (values["label"], [*values["probabilities"]]) == ("soft", ["soft", "medium", "loud"])
    assert sum(values["probabilities"].values()) == pytest.approx(1, abs=1e-3)


def test_goes_on_after_a_file_that_cannot_be_read(recordings: Path) -> None:
    (recordings / "a.wav").write_bytes(b"no sound")
    result = classify(recordings / "a.wav", recordings / "missing.wav", recordings / "b" / "c.wav")
    assert (result.exit_code, result.stdout.endswith("c.wav\tloud 1.000\n")) == (1, True)
    named = sorted(line.split(": ")[1] for line in result.stderr.splitlines())
    assert named == [str(recordings / name) for name in ("a.wav", "missing.wav")]


def test_the_bundle_of_a_recogniser_is_an_error(levels_bundle: Path, recordings: Path) -> None:
    arguments = ["classify", "--bundle", str(levels_bundle), str(recordings / "a.wav")]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is a recogniser, not a classifier" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.slow
def test_evaluate_draws_and_prints_the_confusions(recordings: Path) -> None:
    lines = [
        {"id": "a", "audio": "a.wav", "duration": 0.5, "label": "soft"},
        {"id": "c", "audio": "b/c.wav", "duration": 0.5, "label": "medium"},
    ]
    path, picture = recordings / "list.jsonl", recordings / "confusion.png"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    command = ["evaluate", str(path), "--bundle", str(LOUDNESS), "--confusion", str(picture)]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("Accuracy 50.00%")
    assert "   1  medium -> loud\n" in result.stdout
    assert result.stdout.endswith("c: medium -> loud\n")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert CliRunner().invoke(main, [*command, "--greedy"]).exit_code == 2


def test_options_for_classifiers_are_refused_for_a_recogniser(levels_bundle: Path) -> None:
    command = ["evaluate", "list.jsonl", "--bundle", str(levels_bundle), "--label", "speaker"]
    result = CliRunner().invoke(main, command)
    assert (result.exit_code, "needs the --bundle of a classifier" in result.stderr) == (2, True)
