from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.errors import MissingDependencyError

READING = "data/samples/reading.wav"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


@pytest.mark.slow
def test_text_names_words_rivals_and_models() -> None:
    result = run(READING, "--text", "the old man opened the door and looked out at the see")
    assert result.exit_code == 0, result.output
    for part in ("recognised: the old man", "acoustic model", "n-gram and LSTM", "layer 4 forward"):
        assert part in result.stdout
    assert "unit" not in result.stdout.split("Step by step")[1].split("Seconds in which")[0]
    assert result.stderr == ""


@pytest.mark.slow
def test_a_part_of_a_long_recording(tmp_path: Path) -> None:
    samples, rate = soundfile.read(READING)
    silence = np.zeros(40 * rate)
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate([silence, samples, silence]), rate)
    result = run(path, "--fast", "--start", 39, "--end", 45)
    assert result.exit_code == 0, result.output
    assert "39.00 to 45.00 s" in result.stdout
    line = next(line for line in result.stdout.splitlines() if "  opened" in line)
    assert float(line.split()[0]) == pytest.approx(40.99, abs=0.04)
    result = run(path, "--fast", "-o", tmp_path / "out.txt")
    assert result.exit_code == 0, result.output
    assert "explains 0 to 30 s; choose another part with --start" in result.stderr
    assert "(no words)" in (tmp_path / "out.txt").read_text(encoding="utf-8")
    result = run(path, "--start", 100)
    assert result.exit_code == 1
    assert f"{path}: has 83.50 s; nothing to explain from 100 s on" in result.stderr


@pytest.mark.slow
def test_a_picture_of_all_panels(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    sizes = []
    for units in (0, 2):
        result = run(READING, "--fast", "--units", units, "-o", tmp_path / "out.png")
        assert result.exit_code == 0, result.output
        sizes.append(imread(tmp_path / "out.png").shape[0])
    assert sizes[0] < sizes[1]


@pytest.mark.slow
def test_a_page_to_a_file_or_to_stdout(tmp_path: Path) -> None:
    result = run(READING, "--fast", "--format", "html")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("<!doctype html>")
    result = run(READING, "--fast", "-o", tmp_path / "out.html", "--units", 320)
    assert "units of each layer and direction: more would not fit" in result.stderr
    assert (tmp_path / "out.html").stat().st_size < 3_000_000


@pytest.mark.slow
def test_what_a_word_depends_on_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    result = run(READING, "--fast", "--saliency", "sea", "-o", tmp_path / "out.html")
    assert result.exit_code == 0, result.output
    content = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "What &quot;sea&quot; depends on" in content
    result = run(READING, "--fast", "--saliency", "ocean", "-o", tmp_path / "no.html")
    assert result.exit_code == 1
    assert "'ocean' is not among the words" in result.stderr
    assert not (tmp_path / "no.html").exists()


def test_without_tensorflow_saliency_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise MissingDependencyError("keras")

    monkeypatch.setattr("speechlstm.cli.explain.load_keras", refuse)
    result = run(tmp_path / "none.wav", "--saliency", "sea", "-o", tmp_path / "out.html")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: keras is not installed; run: pip install")


@pytest.mark.slow
def test_a_damaged_recording_is_explained_as_far_as_possible(tmp_path: Path) -> None:
    content = Path(READING).read_bytes()
    (tmp_path / "cut.wav").write_bytes(content[: len(content) // 2])
    result = run(tmp_path / "cut.wav", "--fast")
    assert result.exit_code == 1
    assert "recognised: the old man" in result.stdout
    assert "cut.wav: is truncated at" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--end", "0.01"), 2, "--end must be 0.05 to 60 s after --start"),
        (("--start", "1", "--end", "62"), 2, "--end must be 0.05 to 60 s after --start"),
        (("--units", "321"), 2, "--units 321: the layers have 320 units"),
        (("-o", "out.mp4"), 2, "must end in"),
        (("--format", "png"), 2, "--format png needs -o FILE"),
        (("--saliency", "sea"), 2, "--saliency is for pages and pictures"),
        (("--text", ""), 1, "has no word"),
        (("--bundle", "missing"), 1, "missing"),
        (("--channel", "3"), 1, "channel"),
        (("-o", READING), 2, READING),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], code: int, message: str) -> None:
    result = run(READING, *arguments)
    assert result.exit_code == code
    *_, last = result.stderr.strip().splitlines()
    assert message in last


def test_no_recording(tmp_path: Path) -> None:
    result = run(tmp_path / "missing.wav")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
