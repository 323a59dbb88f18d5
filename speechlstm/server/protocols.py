"""HTTP/1.1 and WebSocket as uvicorn speaks them, with limits on how long a client may take.

uvicorn waits for ever for the first request of a connection and for clients that do not read, and
it closes WebSockets at its end without asking what is left to say.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_CLOSING_SECONDS = 10.0  # for a client to read what is left when its connection is closed


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
    """Closes connections whose first request does not come."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
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

    def shutdown(self) -> None:
        """See WebSocketsSansIOProtocol; the endpoint closes the connection itself."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """See WebSocketsSansIOProtocol; a client that does not answer the close is cut off."""
        super().on_task_complete(task)
        self.loop.call_later(_CLOSING_SECONDS, self.transport.abort)


def with_idle_seconds(protocol: type[Any], seconds: float) -> type[Any]:
    """A protocol with another limit."""
    return type(protocol.__name__, (protocol,), {"idle_seconds": seconds})
