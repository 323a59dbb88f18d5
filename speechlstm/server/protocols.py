"""HTTP/1.1 and WebSocket as uvicorn speaks them, with limits on how long a client may take.

uvicorn waits for ever for the first request of a connection and for clients that do not read, and
it closes WebSockets at its end without asking what is left to say.
"""

import asyncio
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from speechlstm.server.errors import ApiError
from speechlstm.server.guard import refusal

_CLOSING_SECONDS = 10.0  # for a client to read what is left when its connection is closed
_TOO_MANY = ApiError(
    503, "too many connections (see --max-connections); try again later", code="busy"
)


class _PatientWriting:
    """Ends connections to clients that do not read."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    idle_seconds = 30.0
    _stuck: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        super().pause_writing()  # type: ignore[misc]
        self._stuck = self.loop.call_later(self.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()  # type: ignore[misc]
        if self._stuck:
            self._stuck.cancel()

    def _close_soon(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()
        self.loop.call_later(_CLOSING_SECONDS, self.transport.abort)


class HTTPProtocol(_PatientWriting, H11Protocol):
    """Refuses requests over too many connections; closes those whose first one does not come.

    uvicorn would refuse them, too (limit_concurrency), but in plain text.
    """

    max_connections = 256

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        allowed = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            is_full = len(self.connections) > self.max_connections
            await (refusal(_TOO_MANY) if is_full else allowed)(scope, receive, send)

        self.app = app
        self.loop.call_later(self.idle_seconds, self._close_if_silent)

    def timeout_keep_alive_handler(self) -> None:
        """See H11Protocol."""
        super().timeout_keep_alive_handler()
        self._close_soon()

    def _close_if_silent(self) -> None:
        cycle: Any = self.cycle  # None until there is a request
        if cycle is None and self.transport.get_protocol() is self:  # not a WebSocket by now
            self._close_soon()


class StreamProtocol(_PatientWriting, WebSocketsSansIOProtocol):
    """Lets streams say what is left to say when the server ends."""

    async def send(self, message: Any) -> None:
        """See WebSocketsSansIOProtocol, which takes a refusal for an application that fails."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = self.handshake_complete or self.close_sent

    def shutdown(self) -> None:
        """See WebSocketsSansIOProtocol; the endpoint closes the connection itself."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """See WebSocketsSansIOProtocol; a client that does not answer the close is cut off."""
        super().on_task_complete(task)
        self.loop.call_later(_CLOSING_SECONDS, self.transport.abort)


def with_limits(protocol: type[Any], **limits: float) -> type[Any]:
    """A protocol with other limits: its attributes idle_seconds and max_connections."""
    return type(protocol.__name__, (protocol,), limits)
