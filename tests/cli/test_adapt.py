from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

import speechlstm.training
from speechlstm.cli import main
from speechlstm.errors import DataError


def adapt(*arguments: Path | str) -> Result:
    return CliRunner().invoke(main, ["adapt", *map(str, arguments)])


def test_options_reach_the_library_and_the_table_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def call(*arguments: Any, **options: Any) -> object:
        calls.append((arguments, options))
        comparison = SimpleNamespace(to_text=lambda worst: f"table\nworst {worst}")
        return SimpleNamespace(comparison=comparison, work=tmp_path / "mine.work")

    monkeypatch.setattr(speechlstm.training, "adapt", call)
    (tmp_path / "said").mkdir()
    result = adapt(
        tmp_path / "said", "-o", tmp_path / "mine", "--text", "a.txt", "--text", "b.txt",
        "--keep", "0.3", "--epochs", "4", "--jobs", "1", "--worst", "3",
        "--target", "both", "--quantize", "int4",
    )  # fmt: skip
    assert (result.exit_code, result.stdout) == (0, f"table\nworst 3\n{tmp_path / 'mine'}\n")
    ((arguments, options),) = calls
    assert arguments == (tmp_path / "said", tmp_path / "mine")
    assert options["texts"] == (Path("a.txt"), Path("b.txt"))
    expected = {"keep": 0.3, "num_epochs": 4, "jobs": 1, "init_from": "english"}
    assert expected.items() <= options.items()
    assert options["targets"] == ("interpreter", "everywhere")
    assert options["quantization"] == "int4"
    assert options["work"] == tmp_path / "mine.work"


def test_a_list_at_an_address_is_no_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Path] = []

    def call(recordings: Path, *_: Any, **options: Any) -> object:
        found.append(recordings)
        raise DataError("enough")

    monkeypatch.setattr(speechlstm.training, "adapt", call)
    assert adapt("https://example.org/all.jsonl", "-o", tmp_path / "mine").exit_code == 1
    assert found == [Path("https://example.org/all.jsonl")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing", "-o", "mine"], "'missing' does not exist"),
        (["."], "Missing option '-o'"),
        ([".", "-o", "mine", "--keep", "2"], "is not in the range 0<=x<=1"),
        ([".", "-o", "mine", "--epochs", "0"], "is not in the range x>=1"),
        ([".", "-o", "mine", "--target", "phone"], "'phone' is not one of 'both', 'interpreter'"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    result = adapt(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "said by nobody", "a.txt: a text without a recording"),
        ("bundle.json", "{}", "is a bundle, not recordings; to start from it: --init-from"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_leaves_nothing(
    tmp_path: Path, name: str, content: str, message: str
) -> None:
    folder = tmp_path / "said"
    folder.mkdir()
    (folder / name).write_text(content)
    result = adapt(folder, "-o", tmp_path / "mine")
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert message in line
    assert "to go on" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["said"]


def test_a_text_that_cannot_be_read_is_named_first(tmp_path: Path) -> None:
    result = adapt(tmp_path, "-o", tmp_path / "mine", "--text", tmp_path / "none.txt")
    assert result.exit_code == 1
    reason = "cannot be read: No such file or directory"
    assert result.stderr == f"Error: {tmp_path / 'none.txt'}: {reason}\n"
    assert not list(tmp_path.iterdir())
