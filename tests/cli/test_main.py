import errno
import inspect
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules
from tempfile import gettempdir
from types import ModuleType, SimpleNamespace

import click
import pytest
from click.testing import CliRunner

import speechlstm.cli
import speechlstm.cli.lm
import speechlstm.cli.manifest
from speechlstm.cli import _NO_THREAD, _OUT_OF_MEMORY, _OUT_OF_THREADS, VERBS, main
from speechlstm.errors import ConfigError


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


COMMANDS = list(commands(main))


def find_command(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that a command line calls, and what is left for it to parse."""
    called: click.Command = main
    while isinstance(called, click.Group):
        context = click.Context(called)
        _, called, arguments = called.resolve_command(context, arguments)  # type: ignore[assignment]
    return called, arguments


@pytest.mark.parametrize(
    ("package", "shared"),
    [
        (
            speechlstm.cli,
            {
                "decoding",
                "known_text",
                "options",
                "output",
                "recordings",
                "subtitles",
                "training",
                "types",
                "verbs",
            },
        ),
        (speechlstm.cli.lm, {"options", "ngrams"}),
        (speechlstm.cli.manifest, {"checking", "entries"}),
    ],
)
def test_every_module_is_a_verb(package: ModuleType, shared: set[str]) -> None:
    modules = {m.name.removesuffix("_") for m in iter_modules(package.__path__)}  # import_
    assert set(package.VERBS) == modules - shared


def test_ctrl_c_while_the_command_line_is_imported_has_no_traceback() -> None:
    code = """
import sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "speechlstm.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from speechlstm.__main__ import run
run()
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert (ended.returncode, ended.stderr) == (130, b"")


def test_a_group_imports_only_the_verb_that_is_called() -> None:
    code = "import sys; from speechlstm.cli import main\n"
    code += "main(['lm', 'sample', '--help'], standalone_mode=False)\n"
    code += "print(*(m for m in sys.modules if m.startswith('speechlstm.cli.')))"
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    loaded = {
        f"speechlstm.cli.{m}" for m in ("lm", "lm.options", "lm.sample", "output", "types", "verbs")
    }
    assert set(printed.splitlines()[-1].split()) == loaded


@pytest.mark.parametrize(
    ("words", "command"), COMMANDS, ids=[" ".join(words) for words, _ in COMMANDS]
)
def test_help_ends_with_examples_that_are_right(
    words: tuple[str, ...], command: click.Command
) -> None:
    shown = CliRunner().invoke(main, [*words, "--help"]).stdout
    _, _, examples = inspect.cleandoc(command.help or "").partition("\b\nExample:\n")
    assert examples
    for line in examples.splitlines():
        assert line in shown
        program, *arguments = shlex.split(line.partition(" > ")[0])
        assert program == "speechlstm"
        called, arguments = find_command(arguments)
        assert called is command or isinstance(command, click.Group)
        called.make_parser(click.Context(called)).parse_args(arguments)  # knows every option


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_the_verbs(flag: str) -> None:
    shown = CliRunner().invoke(main, [flag])
    assert shown.exit_code == 0
    assert all(f"\n  {verb} " in shown.stdout for verb in VERBS)


def test_version_is_the_packages() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "speechlstm", "--version"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == f"speechlstm, version {speechlstm.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["transcibe", "a.wav"], "transcibe: no such command; did you mean transcribe?"),
        (["manifest", "bild"], "bild: no such command; did you mean build?"),
        (["sing"], "sing: no such command"),
        (
            ["data/samples/date.wav"],
            "no such command; of a recording, speechlstm transcribe FILE prints the words",
        ),
        (["lm", "next", "it", "-n", "ten"], "'-n': 'ten' is not a valid integer."),
        (["serve", "--timeout", "long"], "'--timeout': 'long' is not a valid number."),
    ],
)
def test_what_is_mistyped_is_named(arguments: list[str], error: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"{error}\n")


def test_what_each_command_does_is_not_cut_off() -> None:
    shown = " ".join(CliRunner().invoke(main, ["--help"]).stdout.split())
    assert "explain Show how FILE became its text: what the network heard, what competed," in shown
    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize("arguments", [["sing"], ["--loud"], ["score", "only-one.txt"], []])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage: " in result.stderr


@pytest.mark.parametrize(
    ("error", "exit_code", "stderr"),
    [
        (ConfigError("model.cell: wrong"), 1, "Error: model.cell: wrong\n"),
        (FileNotFoundError(2, "No such file", "x"), 1, "Error: x: No such file\n"),
        (OSError(5, "Input/output error"), 1, "Error: Input/output error\n"),
        (FileNotFoundError(2, "No such file"), 1, "Error: No such file\n"),
        (
            OSError(28, "No space left"),
            1,
            f"Error: standard output, or a temporary file in {gettempdir()}: No space left\n",
        ),
        (MemoryError(), 1, f"Error: {_OUT_OF_MEMORY}\n"),
        (RuntimeError("can't start new thread"), 1, f"Error: {_OUT_OF_THREADS}\n"),
        (BlockingIOError(errno.EAGAIN, "Try again"), 1, f"Error: {_OUT_OF_THREADS}\n"),
        (BlockingIOError(errno.EAGAIN, "would block", 0), 1, "Error: would block\n"),  # of a write
        (OSError(18, "Other device", "x", None, "y"), 1, "Error: x to y: Other device\n"),
        (ConfigError("a\x1b[31m\nb\u202e"), 1, "Error: a\\x1b[31m\\nb\\u202e\n"),
        (
            ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib"),
            1,
            "Error: matplotlib is not installed; run: pip install 'speechlstm[train]'\n",
        ),
        (
            ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn"),
            1,
            "Error: uvicorn is not installed; run: pip install 'speechlstm[serve]'\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_expected_failures_are_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, exit_code: int, stderr: str
) -> None:
    result = CliRunner().invoke(failing(monkeypatch, error), ["score"])
    assert (result.exit_code, result.stdout, result.stderr) == (exit_code, "", stderr)


@pytest.mark.skipif(os.name == "nt", reason="a current folder cannot be removed there")
def test_a_current_folder_that_has_been_removed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        with pytest.raises(FileNotFoundError) as error:
            Path.cwd()
        result = CliRunner().invoke(failing(patch, error.value), ["score"])
    expected = f"Error: the current folder: {os.strerror(errno.ENOENT)}; it has been removed\n"
    assert (result.exit_code, result.stderr) == (1, expected)


@pytest.mark.parametrize(
    "error",
    [
        ZeroDivisionError(),
        RuntimeError("dictionary changed size during iteration"),
        ModuleNotFoundError("No module named 'json'", name="json"),
    ],
)
def test_bugs_are_not_hidden(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    assert CliRunner().invoke(failing(monkeypatch, error), ["score"]).exception is error


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux")
def test_python_says_that_there_are_no_more_threads_as_the_command_line_expects() -> None:
    code = (
        "import _thread, resource, threading\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "threading.stack_size(1 << 32)\n"  # no room for it
        "try:\n    threading.Thread(target=print).start()\n"
        "except RuntimeError as error:\n    print(error)"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert printed == f"{_NO_THREAD}\n"


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> click.Group:
    """The command line, with every verb failing in the same way."""

    @click.command()
    def command() -> None:
        raise error

    module = SimpleNamespace(command=command)
    monkeypatch.setattr("speechlstm.cli.verbs.import_module", lambda name: module)
    return main


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux's device that is full")
@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        *(pytest.param(a, marks=pytest.mark.slow) for a in (["score", "--help"], ["--version"])),
    ],
)
def test_a_full_disk_is_named_wherever_something_is_printed(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "speechlstm", *arguments]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Error: standard output")
    assert ended.stderr.count("\n") == 1


def closed(arguments: list[str], streams: str) -> subprocess.CompletedProcess[str]:
    """Call the command line with streams that a shell closes, such as >&-."""
    command = ["sh", "-c", f'exec "$@" {streams}', "sh", sys.executable, "-m", "speechlstm"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="of its shell")
@pytest.mark.parametrize("streams", [">&-", "<&- >&-"])
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["doctor"]])
def test_a_closed_standard_output_is_an_error(arguments: list[str], streams: str) -> None:
    ended = closed(arguments, streams)
    assert (ended.returncode, ended.stderr) == (
        1,
        "Error: standard output: is closed; print to a file or a pipe\n",
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="of its shell")
def test_a_closed_standard_input_is_told(tmp_path: Path) -> None:
    ended = closed(["lm", "build", "-", "-o", str(tmp_path / "a.lm")], "<&-")
    assert (ended.returncode, ended.stderr) == (
        1,
        "Error: -: cannot be read: standard input is closed\n",
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="of its shell")
def test_messages_are_lost_if_standard_error_is_closed(tmp_path: Path) -> None:
    ended = closed(["manifest", "stats", str(tmp_path / "none.jsonl")], "2>&-")
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "")
    assert closed(["--version"], "2>&-").stdout.startswith("speechlstm")
    assert closed(["--version"], ">&- 2>&-").returncode == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="of its shell")
def test_no_file_gets_the_descriptor_of_a_closed_stream(tmp_path: Path) -> None:
    """Libraries write to descriptor 2, whatever it is."""
    code = "import os, sys\nfrom speechlstm.cli import main\n"
    code += "main(['--version'], standalone_mode=False)\n"
    code += f"file = open({str(tmp_path / 'a.txt')!r}, 'w')\nos.write(2, b'library')\n"
    code += "file.write(str(file.fileno()))"
    shell = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", sys.executable, "-c", code]
    subprocess.run(shell, check=True, capture_output=True)
    assert int((tmp_path / "a.txt").read_text()) > 2


@pytest.mark.slow
def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("some words\n" * 5000)
    command = [sys.executable, "-m", "speechlstm", "score", lines, lines, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_model_is_another_name_of_bundle_in_every_verb() -> None:
    options = [
        {*option.opts} for _, command in COMMANDS for option in command.params
        if {"--bundle", "--model"} & {*option.opts}
    ]  # fmt: skip
    assert len(options) >= 6
    assert options == [{"--bundle", "--model"}] * len(options)
