import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from speechlstm.cli import main
from speechlstm.cli.lm.options import CountOrPath
from speechlstm.cli.types import OutputFolder, OutputPath
from speechlstm.cli.verbs import Verb


def verbs(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from verbs(command, *path, name)
        else:
            yield (*path, name), command


def is_path(param: click.Parameter) -> bool:
    return isinstance(param.type, click.Path | CountOrPath)


def is_output(param: click.Parameter) -> bool:
    return isinstance(param.type, OutputPath | OutputFolder)


CASES = [
    (words, command, output, others)
    for words, command in verbs(main)
    for output in filter(is_output, command.params)
    if (others := [p for p in command.params if is_path(p) and p is not output])
]


def value_of(param: click.Parameter) -> str:
    """A path of the ending that an output may have."""
    suffix = (getattr(param.type, "_suffixes", None) or (".txt",))[0]
    return f"{param.name}{suffix}"


def invoke(words: tuple[str, ...], values: dict[click.Parameter, str]) -> Result:
    arguments = [
        word
        for param, value in values.items()
        for word in ([] if isinstance(param, click.Argument) else [param.opts[0]]) + [value]
    ]
    return CliRunner().invoke(main, [*words, *arguments])


def test_every_command_is_a_verb() -> None:
    assert all(isinstance(command, Verb) for _, command in verbs(main))


def test_every_option_that_is_called_output_is_one() -> None:
    named = [p for _, command in verbs(main) for p in command.params if "-o" in p.opts]
    assert len(named) >= 15
    assert all(is_output(param) for param in named)


@pytest.mark.parametrize(
    ("words", "command", "output", "others"),
    CASES,
    ids=[f"{' '.join(words)}-{output.name}" for words, _, output, _ in CASES],
)
def test_no_verb_writes_over_what_it_reads(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    command: click.Command,
    output: click.Parameter,
    others: list[click.Parameter],
) -> None:
    for other in others:
        folder = tmp_path / str(other.name)
        folder.mkdir()
        monkeypatch.chdir(folder)
        same = "same" if is_output(other) else value_of(output)
        if isinstance(output.type, OutputFolder) or not getattr(other.type, "file_okay", True):
            Path(same).mkdir()
        else:
            Path(same).write_text("precious")
        required = {p: value_of(p) for p in command.params if p.required}
        result = invoke(words, required | {output: same, other: same})
        assert (result.exit_code, result.stdout) == (2, ""), other.name
        if Path(same).is_file():
            assert "is also given by" in result.stderr, other.name
            assert Path(same).read_text() == "precious", other.name
        assert len(list(folder.iterdir())) == 1, other.name


@pytest.mark.parametrize("words", [["transcribe"], ["export"], ["manifest", "pack"]])
def test_a_file_in_the_way_of_a_folder_shows_before_the_work(
    tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "a.txt").touch()
    for name in ("a.txt/", "a.txt/b/"):
        result = CliRunner().invoke(main, [*words, "a", "-o", f"{tmp_path / name}/"])
        assert result.exit_code == 2
        assert result.stderr.endswith("a.txt: is a file; give a folder\n")


def test_a_folder_that_cannot_be_made_shows_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    result = CliRunner().invoke(main, ["export", "run", "-o", str(tmp_path / "bundle")])
    assert result.exit_code == 2
    assert result.stderr.endswith(f"{tmp_path}: the folder is not writable\n")


@pytest.mark.parametrize(
    ("words", "is_replaced"),
    [
        (["export", "run", "-o"], True),
        (["export", "run", "-o", "bundle", "--golden"], True),
        (["manifest", "pack", "m", "-o"], True),
        (["adapt", ".", "-o"], True),
        (["adapt", ".", "-o", "bundle", "--work"], False),
        (["lm", "train", "text", "-o"], False),
        (["transcribe", "a.wav", "-o"], False),
    ],
)
def test_a_folder_that_cannot_be_written_shows_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], is_replaced: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there" / "folder").mkdir(parents=True)
    readonly = tmp_path / "there" / "folder"
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != readonly)  # root may write
    result = CliRunner().invoke(main, [*words, "there/folder"])
    assert result.exit_code == 2
    assert result.stderr.endswith(f"{readonly}: the folder is not writable\n")
    if is_replaced:
        readonly = readonly.parent  # in which the new one is filled
        result = CliRunner().invoke(main, [*words, "there/folder"])
        assert result.exit_code == 2
        assert result.stderr.endswith(f"{readonly}: the folder is not writable\n")


@pytest.mark.parametrize("link", ["symlink", "hard link", "other spelling"])
def test_a_link_to_an_input_is_that_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.lm").write_text("precious")
    output = Path("linked.lm")
    if link == "symlink":
        output.symlink_to("text.lm")
    elif link == "hard link":
        os.link("text.lm", output)
    else:
        output = tmp_path / "." / ".." / tmp_path.name / "text.lm"
    for arguments in (["text.lm", "-o", str(output)], ["-o", str(output), "text.lm"]):
        result = CliRunner().invoke(main, ["lm", "build", *arguments])
        assert (result.exit_code, Path("text.lm").read_text()) == (2, "precious")
        assert f"{output}: is also given by 'TEXT...'; write to another path" in result.stderr


def test_stdin_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = tmp_path / "a.txt"
    recording.write_text("precious")
    with recording.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        command = main.get_command(click.Context(main), "transcribe")
        assert command is not None
        with pytest.raises(click.BadParameter, match="is also given by"):
            command.make_context("transcribe", ["-", "-o", str(recording)])


def test_the_files_of_a_bundle_are_not_written_over(levels_bundle: Path) -> None:
    before = (levels_bundle / "bundle.json").read_bytes()
    output = levels_bundle / "bundle.json"
    result = CliRunner().invoke(
        main, ["transcribe", "--bundle", str(levels_bundle), "a.wav", "-o", str(output)]
    )
    assert (result.exit_code, output.read_bytes()) == (2, before)
    assert "is also given by '--bundle' / '--model'" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["transcribe", ""], ["transcribe", "a.wav", "-o", ""], ["explain", "--output=", "a.wav"]],
)
def test_an_empty_path_is_not_the_current_folder(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is empty; give a path" in result.stderr
    assert not list(tmp_path.iterdir())


def test_a_device_may_be_written_and_read() -> None:
    arguments = ["score", os.devnull, os.devnull]
    assert CliRunner().invoke(main, arguments).exit_code == 1
    result = CliRunner().invoke(main, ["lm", "convert", os.devnull, "-o", os.devnull])
    assert result.exit_code == 1
    assert "is also given by" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["augment", "a.wav", "-o", "b.flac"], ".wav"),
        (["features", "a.wav", "-o", "b.csv"], ".npy"),
        (["features", "a.wav", "--plot", "b.pdf"], ".png"),
        (["lm", "export", "run", "-o", "lm.h5"], ".tflite"),
        (["lm", "build", "text", "-o", "lm.txt"], ".lm, .ngram, .arpa, .arpa.gz, .arpa.xz"),
        (["lm", "convert", "a.lm", "-o", "lm.gz"], ".lm, .ngram, .arpa, .arpa.gz, .arpa.xz"),
        (["manifest", "build", ".", "-o", "all.csv"], ".jsonl, .json"),
        (["tune", "bundle", "valid.jsonl", "-o", "plot.jpg"], ".png"),
    ],
)
def test_an_ending_of_another_format_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], known: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert f"{arguments[-1]}: the name must end in {known} or have no suffix" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["transcribe", "no"],
        ["transcribe", "a", "--bundle", "no"],
        ["transcribe", "a", "--lm", "no"],
        ["transcribe", "a", "--hot-words", "no"],
        ["align", "a", "no"],
        ["manifest", "stats", "no"],
        ["manifest", "check", "a", "--config", "no"],
        ["manifest", "split", "no", "--train-out", "t", "--valid-out", "v"],
        ["lexicon", "no", "--dictionary", "a", "-o", "x"],
        ["lexicon", "a", "--dictionary", "no", "-o", "x"],
        ["lm", "build", "no", "-o", "x"],
        ["lm", "build", "a", "--exclude", "no", "-o", "x"],
        ["lm", "build", "a", "--vocabulary", "no", "-o", "x"],
        ["lm", "build", "a", "--bundle", "no", "-o", "x"],
        ["lm", "convert", "no", "-o", "x"],
        ["lm", "perplexity", "no", "a"],
        ["lm", "sample", "no"],
        ["evaluate", "no"],
        ["score", "no", "a"],
        ["score", "a", "no"],
    ],
)
@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("a b\n")
    if kind == "folder":
        Path("no").mkdir()
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    where, _, reason = line.removeprefix("Error: ").partition(": ")
    assert where.removeprefix("--hot-words ") in ("no", "no/bundle.json")
    known = (
        "cannot be read: ", "No such file or directory", "Is a directory", "no such bundle",
        "is a folder without a recording",
    )  # fmt: skip
    assert reason.startswith(known)
    assert not Path("x").exists()


def wrong_numbers(option: click.Parameter) -> list[str]:
    """Values that are no number that an option can have."""
    values = ["nan", "inf", "-inf", "1e999", "many", ""]
    if (least := getattr(option.type, "min", None)) is not None:
        values += [f"{least - 1}"]
    if (most := getattr(option.type, "max", None)) is not None:
        values += [f"{most + 1}"]
    return values


@pytest.mark.slow
def test_a_number_that_an_option_cannot_have_is_wrong_usage() -> None:
    numbers = (click.types.FloatParamType, click.types.IntParamType)
    options = [
        (words, param)
        for words, command in verbs(main)
        for param in command.params
        if isinstance(param.type, numbers)
    ]
    assert len(options) >= 90
    for words, option in options:
        assert option.type is not click.FLOAT, (words, option.opts)  # it lets nan pass
        for value in wrong_numbers(option):
            result = CliRunner().invoke(main, [*words, option.opts[0], value])
            assert result.exit_code == 2, (words, option.opts, value)
            message = result.stderr.splitlines()[-1]
            assert message.startswith("Error: Invalid value for "), (words, value, message)
            assert option.opts[0] in message
