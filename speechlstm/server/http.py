"""HTTP/1.1 as uvicorn speaks it, with a limit on how long a client may take to ask."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class HTTPProtocol(H11Protocol):
    """Closes connections whose request does not come: uvicorn waits for its first one for ever.

    Attributes:
        header_seconds: Within this time, the first request's header must have come.
    """

    header_seconds = 30.0

    @classmethod
    def with_timeout(cls, seconds: float) -> "type[HTTPProtocol]":
        """The protocol with that time."""
        return type(cls.__name__, (cls,), {"header_seconds": seconds})

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self.loop.call_later(self.header_seconds, self._close_if_silent)

    def _close_if_silent(self) -> None:
        cycle: Any = self.cycle  # None until there is a request
        is_upgraded = self.transport.get_protocol() is not self
        if cycle is None and not is_upgraded and not self.transport.is_closing():
            self.transport.close()
