"""`WebSocket /v1/stream`: audio in, partial and final words out, as JSON.

The client sends {"type": "start", "sample_rate": 16000}, or the sample rate in the query, then
samples in binary messages, then {"type": "end"}. The server sends {"type": "ready"}, events of the
types "partial" and "final" (see `speechlstm.streaming`), and {"type": "end"}.
"""

import math
from typing import Any

from starlette.websockets import WebSocket

from speechlstm.errors import quoted
from speechlstm.server.errors import ApiError
from speechlstm.server.requests import Ending
from speechlstm.server.sessions import Session, StreamEndpoint
from speechlstm.transcript.formats import FORMATS

_START_KEYS = ("type", "sample_rate", "formats")
_STREAM_FORMATS = tuple(name for name in FORMATS if name in ("text", "json", "srt", "vtt"))


class OwnStreams(StreamEndpoint):
    """The endpoint."""

    protocol = "stream"

    async def talk(self, session: Session, websocket: WebSocket) -> None:
        """See StreamEndpoint."""
        await self._start(session, websocket)
        await session.send({"type": "ready"})
        while True:
            message = await session.receive()
            if isinstance(message, dict):
                break
            for event in await session.feed(message):
                await session.send(event)
        if message.get("type") != "end":
            raise ApiError(400, f'the message must be {{"type": "end"}}, is {quoted(message)}')
        ending = await session.finish()
        await self.say_rest(session, ending)
        values: dict[str, Any] = {"type": "end", "duration": round(ending.seconds, 3)}
        await session.send(values | ({"formats": ending.formats} if ending.formats else {}))

    async def _start(self, session: Session, websocket: WebSocket) -> None:
        query = websocket.query_params
        values: dict[str, Any] = dict(query)
        if "formats" in query:
            values["formats"] = query.getlist("formats")
        if "sample_rate" in query:
            if (number := len(query.getlist("sample_rate"))) > 1:
                raise ApiError(400, f"sample_rate is given {number} times", "sample_rate")
            values["sample_rate"] = _number(values["sample_rate"])
        else:
            message = await session.receive()
            if not isinstance(message, dict) or message.get("type") != "start":
                raise ApiError(
                    400,
                    'the first message must be {"type": "start", "sample_rate": ...}, unless the '
                    "query has the sample_rate",
                    "sample_rate",
                )
            values |= message
        for key in values:
            if key not in _START_KEYS:
                known = ", ".join(_START_KEYS)
                raise ApiError(400, f"unknown key {quoted(key)}; known are {known}", key)
        formats = values.get("formats", [])
        if not isinstance(formats, list) or any(name not in _STREAM_FORMATS for name in formats):
            known = ", ".join(_STREAM_FORMATS)
            raise ApiError(
                400, f"formats must be a list of {known}, is {quoted(formats)}", "formats"
            )
        await session.open(values.get("sample_rate"), formats=tuple(formats))

    async def say_rest(self, session: Session, ending: Ending) -> None:
        """See StreamEndpoint."""
        for event in ending.events:
            await session.send(event)

    def error(self, error: ApiError) -> dict[str, Any]:
        """See StreamEndpoint."""
        return {"type": "error", **error.body}


def _number(text: str) -> float | str:
    """The number that a text is, or else the text."""
    try:
        number = float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
