"""The application: its routes, and what it answers when something goes wrong."""

import asyncio
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from speechlstm.server.errors import ApiError
from speechlstm.server.guard import Guard
from speechlstm.server.metrics import MeteredApp, Metrics
from speechlstm.server.openapi import document
from speechlstm.server.pages import page_routes
from speechlstm.server.requests import Model
from speechlstm.server.sessions import StreamHub
from speechlstm.server.settings import ServerSettings
from speechlstm.server.streams import OwnStreams
from speechlstm.server.transcriber import Transcriber
from speechlstm.server.transcriptions import TranscriptionsEndpoint
from speechlstm.server.vosk import VoskStreams
from speechlstm.server.workers import Workers

_PUBLIC = ("/healthz", "/openapi.json")  # besides the page, they need no token


def make_app(
    settings: ServerSettings,
    model: Model,
    uploads: Workers,
    streams: Workers,
    folder: Path,
    ending: asyncio.Event,
) -> Starlette:
    """The application.

    Args:
        uploads: Processes for recordings.
        streams: Processes for live streams.
        ending: Is set when the server ends.
    """
    metrics = _metrics(uploads, streams)
    hub = StreamHub(streams, settings, metrics, ending)
    transcriber = Transcriber(uploads, settings, metrics)
    information = _Information(model, uploads, streams, metrics)
    page = page_routes()
    routes: list[BaseRoute] = [
        *page,
        Route(
            "/v1/audio/transcriptions",
            TranscriptionsEndpoint(transcriber, model, folder, settings),
            methods=["POST"],
        ),
        WebSocketRoute("/v1/stream", OwnStreams(hub).__call__),
        WebSocketRoute("/vosk", VoskStreams(hub).__call__),
        Route("/v1/models", information.models),
        Route("/v1/models/{name}", information.model),
        Route("/healthz", information.health),
        Route("/metrics", information.exposition),
        Route("/openapi.json", information.api),
        Route("/v1/stream", _upgrade),
        Route("/vosk", _upgrade),
        WebSocketRoute("/{path:path}", _no_stream),
    ]
    public = frozenset((*_PUBLIC, *(route.path for route in page)))
    paths = frozenset(route.path for route in routes if isinstance(route, Route))
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(MeteredApp, metrics, paths),
            Middleware(Guard, settings.token, settings.allowed_origins, public),
        ],
        exception_handlers={ApiError: _api_error, HTTPException: _http_error, 500: _fault},
    )


def _metrics(uploads: Workers, streams: Workers) -> Metrics:
    metrics = Metrics()
    metrics.gauge(
        "recordings_waiting", "Uploads that wait for a process.", lambda: uploads.num_waiting
    )
    metrics.gauge("recordings_running", "Uploads in a process.", lambda: uploads.num_leases)
    metrics.gauge("streams_running", "Live streams.", lambda: streams.num_leases)
    metrics.gauge("processes", "Worker processes.", lambda: len(uploads.pids) + len(streams.pids))
    metrics.gauge(
        "processes_replaced",
        "Worker processes that have died.",
        lambda: uploads.num_replaced + streams.num_replaced,
    )
    return metrics


class _Information:
    """What the server says about itself."""

    def __init__(self, model: Model, uploads: Workers, streams: Workers, metrics: Metrics) -> None:
        self._model, self._metrics = model, metrics
        self._uploads, self._streams = uploads, streams
        self._api = document(model.name)

    async def models(self, request: Request) -> Response:
        """The list of models, as in OpenAI's API."""
        return JSONResponse({"object": "list", "data": [_model_object(self._model)]})

    async def model(self, request: Request) -> Response:
        """One of them."""
        if request.path_params["name"] != self._model.name:
            reason = f"no such model; this server has {self._model.name}"
            raise ApiError(404, reason, "model", "model_not_found")
        return JSONResponse(_model_object(self._model))

    async def health(self, request: Request) -> Response:
        """Whether there are processes to work with."""
        is_well = bool(self._uploads.pids and self._streams.pids)
        values = {"status": "ok" if is_well else "no process to work with"}
        return JSONResponse(values, 200 if is_well else 503)

    async def exposition(self, request: Request) -> Response:
        """The metrics, for Prometheus."""
        content = generate_latest(self._metrics.registry)
        return Response(content, media_type=CONTENT_TYPE_LATEST)

    async def api(self, request: Request) -> Response:
        """The description of the API."""
        return JSONResponse(self._api)


def _model_object(model: Model) -> dict[str, object]:
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "speechlstm",
        "language": model.language,
        "sample_rate": model.sample_rate,
        "readable": model.is_readable,
    }


async def _upgrade(request: Request) -> Response:
    raise ApiError(
        426,
        "this path is for WebSockets; connect to it by ws: or wss:",
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
    )


async def _no_stream(websocket: WebSocket) -> None:
    """Without it, Starlette would answer 403, as if a token were wrong."""
    error = ApiError(404, "there is no stream at this path; see /v1/stream and /vosk")
    await websocket.send_denial_response(JSONResponse(error.body, error.status))


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return JSONResponse(error.body, error.status, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reasons = {404: "there is nothing at this path", 405: "this path has no such method"}
    reason = f"{reasons.get(error.status_code, error.detail)}; see /openapi.json"
    answer = ApiError(error.status_code, reason, headers=error.headers)
    return JSONResponse(answer.body, answer.status, answer.headers)


async def _fault(request: Request, error: Exception) -> Response:
    answer = ApiError(500, "the server has a fault, which its messages describe")
    return JSONResponse(answer.body, answer.status)
