"""Starts the server, and ends it well."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import uvicorn

from speechlstm.errors import ConfigError, printable
from speechlstm.interruption import ending_signals
from speechlstm.server.app import make_app
from speechlstm.server.protocols import HTTPProtocol, StreamProtocol, with_limits
from speechlstm.server.requests import Model
from speechlstm.server.service import load_service
from speechlstm.server.settings import ServerSettings
from speechlstm.server.workers import Workers

MAX_MESSAGE_BYTES = 1 << 20  # of a WebSocket: 30 s of audio at 16 kHz
_PING_SECONDS = 20.0  # a client that has vanished is noticed after twice this time


def run_server(
    settings: ServerSettings,
    bundle: Path | None,
    options: dict[str, Any],
    report: Callable[[str], None],
) -> int | None:
    """Serve until a signal, then finish what runs; a second signal ends it at once.

    Args:
        bundle: As in `Recognizer.load`.
        options: The arguments of `Recognizer.load`.
        report: Called with each line about what goes on.

    Returns:
        The signal that ended it at once; None: all has been finished.

    Raises:
        ConfigError: It cannot listen there.
        SpeechLSTMError: The models cannot be loaded.
    """
    listener = _listener(settings)
    with (
        listener,
        TemporaryDirectory(prefix="speechlstm-serve-", ignore_cleanup_errors=True) as name,
    ):
        return asyncio.run(_serve(settings, listener, Path(name), bundle, options, report))


async def _serve(
    settings: ServerSettings,
    listener: socket.socket,
    folder: Path,
    bundle: Path | None,
    options: dict[str, Any],
    report: Callable[[str], None],
) -> int | None:
    load = partial(load_service, folder, bundle, options)
    uploads = Workers(load, settings.jobs, 1, settings.max_waiting, report)
    per_process = -(-settings.max_streams // settings.jobs)
    streams = Workers(load, settings.jobs, per_process, 0, report, settings.max_streams)
    try:
        models = await asyncio.gather(uploads.start(), streams.start())
        ending = asyncio.Event()
        app = make_app(settings, models[0], uploads, streams, folder, ending)
        server = _Server(_config(app, settings), report, ending)
        listener.listen(settings.max_connections)
        report(_greeting(listener, models[0]))
        await server.serve([listener])
        return server.forced_by
    finally:
        uploads.kill()
        streams.kill()


class _Server(uvicorn.Server):
    """Ends at the first signal once all is done, at once at the second, whichever they are."""

    def __init__(
        self, config: uvicorn.Config, report: Callable[[str], None], ending: asyncio.Event
    ) -> None:
        super().__init__(config)
        self.forced_by: int | None = None
        self._report, self._ending = report, ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        self._ending.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but without raising the signals once more in the end."""
        before = {number: signal.signal(number, self.handle_exit) for number in ending_signals()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn.Server."""
        if self.should_exit:
            self.forced_by, self.force_exit = sig, True
            return
        self.should_exit = True
        self._report("Ending: what runs is finished; a second signal ends it at once.")


def _config(app: Any, settings: ServerSettings) -> uvicorn.Config:
    # Requests that are not well formed are answered; they must not fill the messages of the server.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    return uvicorn.Config(
        app,
        http=with_limits(
            HTTPProtocol,
            idle_seconds=settings.idle_seconds,
            max_connections=settings.max_connections,
        ),
        ws=with_limits(StreamProtocol, idle_seconds=settings.idle_seconds),
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=round(settings.idle_seconds) or 1,
    )


def _listener(settings: ServerSettings) -> socket.socket:
    where = printable(settings.address)
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ConfigError(
            f"serve: {where}: no such address: {_reason(error)}; give another --host"
        ) from None
    try:
        if hasattr(socket, "SO_REUSEPORT"):  # Windows would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"serve: {where}: cannot listen there: {_reason(error)}; give another --port or --host"
        ) from None
    return listener


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _greeting(listener: socket.socket, model: Model) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"Listening on http://{shown}:{port} with the model {model.name}."
