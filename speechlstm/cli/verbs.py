"""What a verb is, and a group of verbs: a module each, imported when it is called."""

from functools import partial
from importlib import import_module
from typing import Any

import click


class Verb(click.Command):
    """A command of this package."""


verb = partial(click.command, cls=Verb)


class VerbGroup(click.Group):
    """A group whose commands are the modules of a package, each with an object `command`.

    A new verb is a new module in the package and its name in the package's list.

    Args:
        package: The package's full name.
        verbs: Names of its modules, in the order in which help shows them.
    """

    def __init__(self, *args: Any, package: str, verbs: tuple[str, ...], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._package, self._verbs = package, verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See click.Group."""
        return list(self._verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See click.Group."""
        if cmd_name not in self._verbs:
            return None
        command: click.Command = import_module(f"{self._package}.{cmd_name}").command
        return command
