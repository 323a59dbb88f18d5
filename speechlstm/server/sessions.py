"""A live stream: a WebSocket on one side, a worker process on the other."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from speechlstm.errors import SpeechLSTMError, quoted
from speechlstm.server.errors import ApiError, as_api_error
from speechlstm.server.guard import BEARER
from speechlstm.server.metrics import Metrics
from speechlstm.server.requests import Ending, Feed, Finish, OpenStream
from speechlstm.server.settings import ServerSettings
from speechlstm.server.workers import WorkerProcess, Workers
from speechlstm.storage import parse_json
from speechlstm.transcript.formats import json_line

_CLOSE_CODES = {400: 1007, 408: 1008, 413: 1009, 429: 1013, 500: 1011, 503: 1011}
_GOING_AWAY = "going_away"


@dataclass(frozen=True)
class StreamHub:
    """What all streams share.

    Attributes:
        workers: The processes that recognise them.
        ending: Is set when the server ends: streams then send what they have and close.
    """

    workers: Workers
    settings: ServerSettings
    metrics: Metrics
    ending: asyncio.Event


class Session:
    """One stream.

    Args:
        websocket: The connection, accepted.
        worker: The process that recognises it.
        key: Its name in the process.
    """

    def __init__(
        self, hub: StreamHub, websocket: WebSocket, worker: WorkerProcess, key: int
    ) -> None:
        self._hub, self._websocket, self._worker, self._key = hub, websocket, worker, key
        self._odd = b""  # the first byte of a sample whose second one is to come
        self._piece_bytes = 0  # of a second
        # One is always waited for, so that a client that leaves is noticed while it is worked for.
        self._next: asyncio.Future[Any] = asyncio.ensure_future(websocket.receive())
        self.is_open = False

    async def receive(self) -> bytes | dict[str, Any]:
        """The next message: samples, or the values of a JSON object.

        Raises:
            ApiError: There is none for too long, it is not an object, or the server ends.
            WebSocketDisconnect: The client has gone.
        """
        message = await self._message()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        if message.get("bytes") is not None:
            pcm: bytes = self._odd + message["bytes"]
            whole = len(pcm) // 2 * 2
            self._odd = pcm[whole:]
            return pcm[:whole]
        return _json_object(message["text"])

    async def _message(self) -> Any:
        ending = asyncio.ensure_future(self._hub.ending.wait())
        seconds = self._hub.settings.idle_seconds
        try:
            done, _ = await asyncio.wait(
                {self._next, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ending.cancel()
        if self._next in done:
            message = self._next.result()
            if message["type"] != "websocket.disconnect":
                self._next = asyncio.ensure_future(self._websocket.receive())
            return message
        if ending in done:
            raise ApiError(503, "the server ends; connect again", code=_GOING_AWAY)
        raise ApiError(408, f"nothing has come for {seconds:g} s; open another stream", code="idle")

    def close(self) -> None:
        """Wait for no more messages."""
        self._next.cancel()

    async def send(self, values: dict[str, Any]) -> None:
        """Send a JSON object.

        Raises:
            WebSocketDisconnect: The client has gone, or does not read what it is sent.
        """
        try:
            async with asyncio.timeout(self._hub.settings.idle_seconds):
                await self._websocket.send_text(json_line(values))
        except (TimeoutError, RuntimeError):
            raise WebSocketDisconnect(1008) from None

    async def open(
        self, sample_rate: object, phrases: tuple[str, ...] = (), formats: tuple[str, ...] = ()
    ) -> None:
        """Begin to recognise.

        Raises:
            ApiError: The sample rate is not possible, or the model can spell none of the phrases.
        """
        if isinstance(sample_rate, bool) or not isinstance(sample_rate, int | float):
            reason = f"sample_rate must be a number, is {quoted(sample_rate)}"
            raise ApiError(400, reason, "sample_rate")
        limit = self._hub.settings.max_audio_seconds
        try:
            await self._ask(OpenStream(self._key, sample_rate, limit, phrases, formats))
        except ValueError as error:
            raise ApiError(400, str(error), "sample_rate") from None
        self._piece_bytes = 2 * round(sample_rate)
        self.is_open = True

    async def feed(self, pcm: bytes) -> list[dict[str, Any]]:
        """Recognise the next samples; returns the events.

        Many are recognised second by second, so that other streams have their turn.

        Raises:
            ApiError: The stream has become too long, or its process has died.
            WebSocketDisconnect: The client has gone.
        """
        events: list[dict[str, Any]] = []
        for start in range(0, len(pcm), self._piece_bytes):
            self._refuse_gone()
            piece = pcm[start : start + self._piece_bytes]
            events += await self._ask(Feed(self._key, piece))
            self._hub.metrics.fed_seconds.inc(len(piece) / self._piece_bytes)
        return events

    def _refuse_gone(self) -> None:
        if self._next.done() and self._next.result()["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(self._next.result().get("code", 1006))

    async def finish(self) -> Ending:
        """End the stream.

        Raises:
            ApiError: Its process has died.
        """
        self.is_open = False
        ending: Ending = await self._ask(Finish(self._key))
        self._hub.metrics.audio_seconds.labels("stream").inc(ending.seconds)
        return ending

    async def _ask(self, request: object) -> Any:
        try:
            async with asyncio.timeout(self._hub.settings.timeout_seconds):
                return await self._worker.ask(request)
        except TimeoutError:
            raise ApiError(504, "the stream is not recognised in time", code="timeout") from None
        except SpeechLSTMError as error:
            raise as_api_error(error) from None


class StreamEndpoint:
    """A WebSocket endpoint, an ASGI application of Starlette. Subclasses speak a protocol."""

    protocol: str  # its name in metrics

    def __init__(self, hub: StreamHub) -> None:
        self.hub = hub

    async def talk(self, session: Session, websocket: WebSocket) -> None:
        """Speak the protocol until the client ends it."""
        raise NotImplementedError

    async def say_rest(self, session: Session, ending: Ending) -> None:
        """Send the last events of a stream that ends with an error."""
        raise NotImplementedError

    def error(self, error: ApiError) -> dict[str, Any]:
        """The message that says what is wrong."""
        raise NotImplementedError

    async def __call__(self, websocket: WebSocket) -> None:
        """See starlette.routing.WebSocketRoute."""
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(next((p for p in offered if not p.startswith(BEARER)), None))
        self.hub.metrics.streams.labels(self.protocol).inc()
        with suppress(WebSocketDisconnect):
            code = 1000
            try:
                async with self.hub.workers.lease() as (worker, key):
                    session = Session(self.hub, websocket, worker, key)
                    try:
                        await self._talk(session, websocket)
                    finally:
                        session.close()
            except ApiError as error:
                code = _CLOSE_CODES.get(error.status, 1011)
                code = 1001 if error.code == _GOING_AWAY else code
                self.hub.metrics.failed_streams.labels(self.protocol).inc()
                await _sent(websocket, self.error(error), self.hub.settings.idle_seconds)
            with suppress(RuntimeError):  # it has been closed by the client meanwhile
                await websocket.close(code)

    async def _talk(self, session: Session, websocket: WebSocket) -> None:
        """Speak the protocol; after an error, send what has been heard before it."""
        try:
            await self.talk(session, websocket)
        except ApiError:
            if session.is_open:
                with suppress(ApiError):  # its process has died
                    await self.say_rest(session, await session.finish())
            raise


async def _sent(websocket: WebSocket, values: dict[str, Any], seconds: float) -> None:
    with suppress(TimeoutError, RuntimeError):
        async with asyncio.timeout(seconds):
            await websocket.send_text(json_line(values))


def _json_object(text: str) -> dict[str, Any]:
    try:
        values = parse_json(text)
        json.dumps(values, allow_nan=False)
    except ValueError:
        raise ApiError(400, f"a text message must be JSON, is {quoted(text[:200])}") from None
    if not isinstance(values, dict):
        raise ApiError(400, f"a text message must be a JSON object, is {quoted(text[:200])}")
    return values
