"""`POST /v1/audio/transcriptions`: a recording becomes text, as in OpenAI's API."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from speechlstm.server.answers import MEDIA_TYPES, formats_of, token_list, word_list, written
from speechlstm.server.errors import ApiError
from speechlstm.server.fields import Wanted
from speechlstm.server.forms import Form, drain, received_form
from speechlstm.server.requests import Model, Step
from speechlstm.server.settings import ServerSettings
from speechlstm.server.transcriber import Transcriber
from speechlstm.transcript.formats import json_line


class TranscriptionsEndpoint:
    """The endpoint, an ASGI application."""

    def __init__(
        self, transcriber: Transcriber, model: Model, folder: Any, settings: ServerSettings
    ) -> None:
        self._transcriber, self._model = transcriber, model
        self._folder, self._settings = folder, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the specification of ASGI."""
        request = Request(scope, receive)
        with suppress(ClientDisconnect):  # nobody waits for an answer
            async with AsyncExitStack() as stack:
                try:
                    form = await stack.enter_async_context(
                        received_form(request, self._folder, self._settings)
                    )
                    wanted = Wanted.of(form, self._model)
                except ApiError as error:
                    await stack.aclose()  # who has the answer can rely on the upload's deletion
                    await _refuse(error, request, send)
                    return
                response: Response
                if wanted.is_streamed:
                    response = self._events(form, wanted)
                else:
                    response = await _unless_gone(request, self._whole(form, wanted))
                    await stack.aclose()
                try:
                    await response(scope, receive, send)
                finally:
                    if isinstance(response, StreamingResponse):
                        await response.body_iterator.aclose()  # type: ignore[attr-defined]

    async def _whole(self, form: Form, wanted: Wanted) -> Response:
        step = await self._transcriber.transcribe(form, wanted, lambda _: None)
        content = written(
            wanted.response_format,
            step.transcript,
            name=form.name,
            language=wanted.language,
            granularities=wanted.granularities,
            damage=step.damage,
        )
        headers = {"Cache-Control": "no-store"}
        if step.damage:  # in a field too, which every format has
            headers["X-Warning"] = f"{form.name} {step.damage}".encode("ascii", "replace").decode()
        return Response(content, headers=headers, media_type=MEDIA_TYPES[wanted.response_format])

    def _events(self, form: Form, wanted: Wanted) -> StreamingResponse:
        """Server-sent events, as in OpenAI's API: a delta for each segment, then all."""
        return StreamingResponse(
            self._sent_events(form, wanted),
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )

    async def _sent_events(self, form: Form, wanted: Wanted) -> AsyncIterator[str]:
        steps: asyncio.Queue[Step | None] = asyncio.Queue()
        # A task of its own, so that a client that reads slowly does not keep a process waiting.
        work = asyncio.create_task(
            self._transcriber.transcribe(form, wanted, steps.put_nowait), name=form.name
        )
        work.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            is_first = True
            while step := await steps.get():
                yield _event(_delta(step, wanted, is_first))
                is_first = is_first and not step.transcript.words
            last = await work
            yield _event(_done(last, form, wanted))
        except ApiError as error:
            yield _event({"type": "error", **error.body})
        finally:
            work.cancel()


def _delta(step: Step, wanted: Wanted, is_first: bool) -> dict[str, Any]:
    text = step.transcript.readable
    values: dict[str, Any] = {
        "type": "transcript.text.delta",
        "delta": text if is_first or not text else f" {text}",
        "end": round(step.transcript.duration, 3),
    }
    if "word" in wanted.granularities:
        values |= {"words": word_list(step.transcript.words), "tokens": token_list(step.transcript)}
    return values


def _done(step: Step, form: Form, wanted: Wanted) -> dict[str, Any]:
    transcript = step.transcript
    values: dict[str, Any] = {"type": "transcript.text.done", "text": transcript.readable}
    values["duration"] = round(transcript.duration, 3)
    if step.damage:
        values["warning"] = step.damage
    if "word" in wanted.granularities:
        values |= {"words": word_list(transcript.words), "tokens": token_list(transcript)}
    if wanted.formats:
        values["formats"] = formats_of(form.name, transcript, wanted.formats)
    return values


def _event(values: dict[str, Any]) -> str:
    return f"data: {json_line(values)}\n\n"


async def _refuse(error: ApiError, request: Request, send: Send) -> None:
    """Answer before all has been received, and go on receiving until the client has noticed."""
    content = json.dumps(error.body).encode()
    fields = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        "connection": "close",
        **error.headers,
    }
    headers = [(key.lower().encode(), value.encode()) for key, value in fields.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": True})
    await drain(request)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _unless_gone(request: Request, work: Any) -> Response:
    """The response; the work is given up if the client disconnects.

    Raises:
        ClientDisconnect: It has.
        ApiError: The work has failed.
    """
    working, leaving = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        done, _ = await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working not in done:
            raise ClientDisconnect
        response: Response = working.result()
        return response
    finally:
        working.cancel()
        leaving.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
