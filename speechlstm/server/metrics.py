"""Counts and times for Prometheus."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """What the server counts. All names begin with `speechlstm_`.

    Attributes:
        audio_seconds: Seconds of speech transcribed, by kind: recording or stream.
        fed_seconds: Seconds of streams given to a process, those of clients that left included.
        streams: Live streams since the start, by protocol.
        failed_streams: Of those, the ones that have ended with an error.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = self._counter("requests", "Requests of HTTP.", "path", "method", "status")
        self._seconds = Histogram(
            "speechlstm_request_seconds",
            "Time from the request to the end of the response.",
            ["path"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.audio_seconds = self._counter("audio_seconds", "Seconds of audio recognised.", "kind")
        self.fed_seconds = Counter(
            "speechlstm_fed_seconds", "Seconds given to processes.", registry=self.registry
        )
        self.streams = self._counter("streams", "Live streams.", "protocol")
        self.failed_streams = self._counter("failed_streams", "Streams that failed.", "protocol")

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add a value that is read when it is asked for."""
        Gauge(f"speechlstm_{name}", text, registry=self.registry).set_function(value)

    def count_request(self, path: str, method: str, status: int, seconds: float) -> None:
        """Count a request of HTTP."""
        self._requests.labels(path, method, status).inc()
        self._seconds.labels(path).observe(seconds)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"speechlstm_{name}", text, labels, registry=self.registry)


class MeteredApp:
    """Counts the requests of an application.

    Args:
        paths: The paths that have a count of their own; clients could invent any number of others.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self._app, self._metrics, self._paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the specification of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 499  # nginx's code for a client that has gone

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        path = scope["path"] if scope["path"] in self._paths else "other"
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.count_request(path, method, status, time.perf_counter() - start)
