"""The options that say what the utterances of a manifest are checked against."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.types import PATH

if TYPE_CHECKING:
    from speechlstm.config import Settings
    from speechlstm.text.alphabet import Alphabet


def checking_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options --config and --alphabet."""
    command = click.option(
        "--alphabet",
        metavar="CHARACTERS",
        help="The characters that texts, in lower case, may have.  [default: space, ' and a to z]",
    )(command)
    return click.option("--config", metavar="TOML", type=PATH, help="The training's settings.")(
        command
    )


def checked_against(config: Path | None, alphabet: str | None) -> "tuple[Alphabet, Settings]":
    """The alphabet and the settings that the options give."""
    from speechlstm.config import Settings
    from speechlstm.text.alphabet import ENGLISH, Alphabet

    return (
        ENGLISH if alphabet is None else Alphabet(tuple(alphabet)),
        Settings() if config is None else Settings.read(config),
    )
