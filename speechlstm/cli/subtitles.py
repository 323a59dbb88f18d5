"""The options of subtitles, which several commands share."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import click

from speechlstm.cli.types import IntegerRange, NumberRange
from speechlstm.errors import ConfigError
from speechlstm.transcript.formats import SUBTITLES
from speechlstm.transcript.layout import DEFAULT_LAYOUT, SHORTEST_CUE, SubtitleLayout

_OPTIONS = (
    click.option(
        "--max-line-width", type=IntegerRange(min=1), metavar="N",
        help="Characters in a line of a subtitle.  "
        f"[default: {DEFAULT_LAYOUT.max_line_width}]",
    ),
    click.option(
        "--max-line-count", type=IntegerRange(min=1), metavar="N",
        help=f"Lines of a subtitle.  [default: {DEFAULT_LAYOUT.max_line_count}]",
    ),
    click.option(
        "--min-cue-seconds", type=NumberRange(min=0), metavar="SECONDS",
        help="How long a subtitle stands at least, unless the next one begins before.  "
        f"[default: {DEFAULT_LAYOUT.min_cue_seconds:g}]",
    ),
    click.option(
        "--max-cue-seconds", type=NumberRange(min=SHORTEST_CUE), metavar="SECONDS",
        help="How long a subtitle stands at most.  "
        f"[default: {DEFAULT_LAYOUT.max_cue_seconds:g}]",
    ),
    click.option(
        "--highlight-words", is_flag=True,
        help="Underline each word while it is said (vtt).",
    ),
)  # fmt: skip
_NAMES = (
    "max_line_width", "max_line_count", "min_cue_seconds", "max_cue_seconds", "highlight_words"
)  # fmt: skip

_LIMITS = ("max_line_width", "max_line_count", "max_cue_seconds")  # by which lines are cut


def subtitle_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of subtitles to a command, as one argument `layout`.

    It is None if none was given.
    """

    @wraps(function)
    def command(*args: Any, **rest: Any) -> None:
        values = {name: rest.pop(name) for name in _NAMES}
        # 0 is equal to False, but is a value.
        given = {n: v for n, v in values.items() if v is not None and v is not False}
        try:
            keeps_lines = not any(name in given for name in _LIMITS)
            layout = SubtitleLayout(**given, keeps_lines=keeps_lines) if given else None
        except ConfigError as error:
            raise click.UsageError(_with_option_names(str(error))) from None
        function(*args, **rest, layout=layout)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_layout(layout: SubtitleLayout | None, formats: Iterable[str]) -> None:
    """Refuse options of subtitles where there are none.

    Raises:
        click.UsageError: No format is one of subtitles, or words are to be highlighted in others
            than WebVTT.
    """
    written = list(formats)
    if layout is None:
        return
    if layout.highlight_words and "vtt" not in written:
        raise click.UsageError("--highlight-words is for --format vtt")
    if not any(name in SUBTITLES for name in written):
        named = ", ".join(f"--{name.replace('_', '-')}" for name in _NAMES[:-1])
        raise click.UsageError(f"{named} are for subtitles: --format srt or vtt")


def _with_option_names(message: str) -> str:
    for name in _NAMES:
        message = message.replace(name, f"--{name.replace('_', '-')}")
    return message
