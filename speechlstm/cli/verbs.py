"""The base classes of commands (verbs) and of groups, which import a command when it is called."""

import os
import sys
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from speechlstm.cli.types import OutputFolder, OutputPath, TranscriptPath
from speechlstm.errors import printable, quoted

_BUNDLE_INDEX = "bundle.json"
_LONGEST_SUMMARY = 200  # characters of the first sentence of a command's help


class Verb(click.Command):
    """A command of this package. It refuses to overwrite the files that it reads."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click.Command; an output that is also an input or another output is wrong usage."""
        if not ctx.resilient_parsing:
            self._refuse_empty_paths(ctx, args)
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            self._check_outputs(ctx)
        return rest

    def _refuse_empty_paths(self, ctx: click.Context, args: list[str]) -> None:
        """Refuse paths that are empty, as from an unset variable; they would be the folder "."."""
        if not any(arg == "" or arg.endswith("=") for arg in args):
            return
        given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        for param in self.params:
            value = given.get(param.name or "")
            values = value if isinstance(value, list | tuple) else (value,)
            if isinstance(param.type, click.Path) and "" in values:
                raise click.BadParameter("is empty; give a path", ctx, param)

    def _check_outputs(self, ctx: click.Context) -> None:
        others = [(param, path) for param in self.params for path in _paths(ctx, param)]
        for output in self.params:
            if not isinstance(output.type, OutputPath | OutputFolder):
                continue
            if isinstance(output.type, TranscriptPath) and output.type.is_folder(ctx):
                continue
            for path in _paths(ctx, output):
                for param, other in others:
                    if param is not output and _would_overwrite(path, other):
                        name = param.get_error_hint(ctx)
                        reason = f"is also given by {name}; write to another path"
                        raise click.BadParameter(f"{printable(str(path))}: {reason}", ctx, output)


def _paths(ctx: click.Context, param: click.Parameter) -> list[Path]:
    value = ctx.params.get(param.name or "")
    values = value if isinstance(value, tuple) else (value,)
    return [path for path in values if isinstance(path, Path)]


def _would_overwrite(output: Path, other: Path) -> bool:
    """Whether writing output changes other, also through links."""
    if output.exists() and not (output.is_file() or output.is_dir()):
        return False  # devices and pipes do not keep what is written
    if (other / _BUNDLE_INDEX).is_file() and _real(output).is_relative_to(_real(other)):
        return True  # a file of a bundle
    if other == Path("-") and sys.stdin is None:  # closed, as by <&-
        return False
    try:
        status = os.fstat(sys.stdin.fileno()) if other == Path("-") else other.stat()
        return os.path.samestat(output.stat(), status)
    except (OSError, ValueError):  # one of them does not exist
        return _real(output) == _real(other)


def _real(path: Path) -> Path:
    """As Path.resolve, which raises errors for links to themselves."""
    return Path(os.path.realpath(path))


verb = partial(click.command, cls=Verb)


def refuse_if(*rules: tuple[object, str]) -> None:
    """Refuse options that exclude each other, or need another.

    Args:
        rules: Of each, whether it is broken, and the message; the first one that is broken counts.
    """
    for is_broken, message in rules:
        if is_broken:
            raise click.UsageError(message)


class VerbGroup(click.Group):
    """A group whose commands are the modules of a package, each with an object `command`.

    To add a command, add a module to the package and its name to the package's list.

    Args:
        package: The full name of the package.
        verbs: The names of its modules, in the order of the help text.
    """

    def __init__(self, *args: Any, package: str, verbs: tuple[str, ...], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._package, self._verbs = package, verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click.Group."""
        return list(self._verbs)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """See click.Group, which cannot know what a mistyped command could be."""
        name = args[0]
        if not (name in self._verbs or name.startswith("-") or ctx.resilient_parsing):
            near = get_close_matches(name, self._verbs, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            if ctx.parent is None and os.path.exists(name):  # noqa: PTH110 may be longer than names
                hint = "; of a recording, speechlstm transcribe FILE prints the words"
            ctx.fail(f"{printable(name) or quoted(name)}: no such command{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See click.Group, which cuts sentences off."""
        commands = [(name, self.get_command(ctx, name)) for name in self._verbs]
        sentences = [
            (name, command.get_short_help_str(_LONGEST_SUMMARY))
            for name, command in commands
            if command
        ]
        with formatter.section("Commands"):
            formatter.write_dl(sentences)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click.Group."""
        if cmd_name not in self._verbs:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name  # import_
        command: click.Command = import_module(f"{self._package}.{module}").command
        return command
