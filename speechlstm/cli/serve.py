"""`speechlstm serve`: recognition for other programs and for the browser."""

import os
from pathlib import Path
from typing import Any

import click

from speechlstm.cli.decoding import decoding_options
from speechlstm.cli.options import bundle_option, jobs_option, read_text, readable_option
from speechlstm.cli.output import say
from speechlstm.cli.types import PATH, IntegerRange, NumberRange
from speechlstm.cli.verbs import refuse_if, verb
from speechlstm.errors import ConfigError, DataError

_TOKEN_VARIABLE = "SPEECHLSTM_TOKEN"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@verb()
@bundle_option
@decoding_options
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=IntegerRange(0, 65_535),
    default=8080,
    show_default=True,
    help="The port to listen on; 0: a free one.",
)
@jobs_option
@readable_option("readable if the bundle has a network for it")
@click.option("--token", envvar=_TOKEN_VARIABLE, help="What clients must give; also as the "
    "variable SPEECHLSTM_TOKEN, which other users of the machine cannot see.")  # fmt: skip
@click.option("--token-file", type=PATH, help="A file with the token.")
@click.option(
    "--allow-origin",
    "allowed_origins",
    metavar="URL",
    multiple=True,
    help="A web site whose pages may use the server, such as https://example.org; may be given "
    "several times.",
)
@click.option(
    "--queue",
    "max_waiting",
    type=IntegerRange(min=0),
    default=32,
    show_default=True,
    help="Recordings that may wait; the next one is refused with the status 429.",
)
@click.option(
    "--max-streams", type=IntegerRange(min=1), default=16, show_default=True,
    help="Live streams at once.",
)  # fmt: skip
@click.option(
    "--max-connections", type=IntegerRange(min=1), default=256, show_default=True,
    help="Connections at once.",
)  # fmt: skip
@click.option(
    "--max-megabytes", type=NumberRange(min=0, min_open=True), default=500.0,
    show_default=True, help="Size of an upload.",
)  # fmt: skip
@click.option(
    "--max-minutes", type=NumberRange(min=0, min_open=True), default=240.0,
    show_default=True, help="Duration of a recording or a stream.",
)  # fmt: skip
@click.option(
    "--timeout", "timeout_seconds", type=NumberRange(min=0, min_open=True), default=1800.0,
    show_default=True, help="Seconds for a recording, waiting included.",
)  # fmt: skip
@click.option(
    "--idle-seconds", type=NumberRange(min=0, min_open=True), default=30.0,
    show_default=True, help="A client that sends or takes nothing for this time is dismissed.",
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context,
    /,
    bundle: Path | None,
    decoding: dict[str, Any],
    jobs: int | None,
    readable: bool | None,
    token: str | None,
    token_file: Path | None,
    max_megabytes: float,
    max_minutes: float,
    **settings: Any,
) -> None:
    """Serve OpenAI's transcription API, live streams and a page for the browser.

    It needs the extra `serve`: pip install 'speechlstm[serve]'. POST /v1/audio/transcriptions takes
    recordings as OpenAI's clients send them, the WebSockets /v1/stream and /vosk take live audio,
    and / is a page that transcribes files and the microphone. Nothing that is sent is kept.

    \b
    curl -F file=@data/samples/date.wav http://127.0.0.1:8080/v1/audio/transcriptions

    SIGTERM, Ctrl-C or the end of its terminal ends the server once what runs is done; a second
    signal ends it at once.

    \b
    Example:
      speechlstm serve
      speechlstm serve --host 0.0.0.0 --token-file token.txt --jobs 4
    """
    from speechlstm.parallel import num_usable_cores
    from speechlstm.server.run import run_server
    from speechlstm.server.settings import ServerSettings

    refuse_if(
        (token and token_file, "--token and --token-file exclude each other"),
        (
            token == "" or (not (token or token_file) and os.environ.get(_TOKEN_VARIABLE) == ""),
            "the token is empty, so that anyone could use the server; if that is wanted, leave out "
            f"--token and unset {_TOKEN_VARIABLE}",
        ),
    )
    settings["token"] = _read_token(token_file) if token_file else (token or "")
    settings["max_upload_bytes"] = max(1, round(max_megabytes * 1e6))
    settings["max_audio_seconds"] = 60 * max_minutes
    chosen = ServerSettings(jobs=jobs or num_usable_cores(), **settings)
    if chosen.host not in _LOOPBACK and not chosen.token:
        say(f"Warning: whoever reaches {chosen.host} may use this server; see --token-file.")
    forced_by = run_server(chosen, bundle, {**decoding, "readable": readable}, say)
    if forced_by:
        ctx.exit(128 + forced_by)


def _read_token(path: Path) -> str:
    try:
        token = read_text(path).strip()
    except OSError as error:
        raise DataError(f"--token-file {path}: cannot be read: {error.strerror}") from None
    if not token:
        raise ConfigError(f"--token-file {path}: is empty; write the token into it")
    return token
