"""`POST /v1/audio/transcriptions`: a recording becomes text, as in OpenAI's API."""

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from speechlstm.errors import ConfigError, DataError, SpeechLSTMError, printable, quoted
from speechlstm.server.answers import MEDIA_TYPES, formats_of, token_list, word_list, written
from speechlstm.server.errors import ApiError
from speechlstm.server.forms import Form, drain, received_form
from speechlstm.server.metrics import Metrics
from speechlstm.server.requests import Model, NextStep, OpenRecording, Step, TooLongError
from speechlstm.server.settings import ServerSettings
from speechlstm.server.workers import WorkerProcess, Workers
from speechlstm.transcript.formats import json_line

ALIASES = ("whisper-1",)  # many clients ask for this model and let nobody change it
_FORMATS = ("text", "json", "srt", "vtt")  # of the field formats[]
_GRANULARITIES = ("word", "segment")
_FIELDS = frozenset(
    (
        "model", "language", "languages", "prompt", "keywords", "response_format", "temperature",
        "timestamp_granularities", "stream", "chunking_strategy", "formats",
    )
)  # fmt: skip
_MAX_HOT_WORDS = 200
_HOT_WORD_WORDS = 4  # a longer piece of a prompt is a sentence, which is not a hot word

Result = TypeVar("Result")


@dataclass(frozen=True)
class Wanted:
    """How a recording is to be transcribed.

    Attributes:
        response_format: A key of answers.MEDIA_TYPES.
        language: In ISO 639-1; None: not known.
        hot_words: Phrases to prefer: the keywords.
        hints: More of them: what is short in the prompt.
        granularities: What verbose_json lists; with "word", events list words too.
        formats: Formats of the command line that the last event holds too.
        is_streamed: Whether events are sent as segments are done.
    """

    response_format: str = "json"
    language: str | None = None
    hot_words: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    granularities: tuple[str, ...] = ("segment",)
    formats: tuple[str, ...] = ()
    is_streamed: bool = False

    @classmethod
    def of(cls, form: Form, model: Model) -> "Wanted":
        """What the fields of a form ask for.

        Raises:
            ApiError: A field is unknown, or has a value that is not possible.
        """
        fields = {key.removesuffix("[]"): values for key, values in form.fields.items()}
        for key in fields:
            if key not in _FIELDS:
                known = ", ".join(sorted(_FIELDS))
                raise ApiError(
                    400, f"unknown field {quoted(key)}; known are {known}", printable(key)
                )
        _check_model(_single(fields, "model", model.name), model)
        _check_temperature(_single(fields, "temperature", "0"))
        response_format = _choice(fields, "response_format", "json", tuple(MEDIA_TYPES))
        granularities = _choices(fields, "timestamp_granularities", _GRANULARITIES)
        is_streamed = _choice(fields, "stream", "false", ("true", "false")) == "true"
        if granularities and response_format != "verbose_json" and not is_streamed:
            raise ApiError(
                400,
                "timestamp_granularities are for response_format verbose_json",
                "timestamp_granularities",
            )
        return cls(
            response_format,
            _language(fields, model),
            _hot_words("keywords", fields.get("keywords", [])),
            _hot_words("prompt", _short_pieces(_single(fields, "prompt", ""))),
            granularities or ("segment",),
            _choices(fields, "formats", _FORMATS),
            is_streamed,
        )


class Transcriber:
    """Transcribes uploads with worker processes.

    Args:
        workers: The processes.
        settings: The limits.
        metrics: Where seconds of audio are counted.
    """

    def __init__(self, workers: Workers, settings: ServerSettings, metrics: Metrics) -> None:
        self._workers, self._settings, self._metrics = workers, settings, metrics
        self._mean_seconds = 1.0  # of a recording in a process, lately

    async def transcribe(
        self, form: Form, wanted: Wanted, on_segment: Callable[[Step], None]
    ) -> Step:
        """Transcribe an upload.

        Args:
            form: The upload.
            wanted: How.
            on_segment: Called with each segment as it is done.

        Raises:
            ApiError: The recording cannot be used, takes too long, or nobody has time for it.
        """
        settings = self._settings
        deadline = asyncio.get_running_loop().time() + settings.timeout_seconds
        try:
            async with asyncio.timeout_at(deadline), self._workers.lease() as (worker, key):
                start = time.monotonic()
                step = await self._steps(worker, key, form, wanted, on_segment)
                self._mean_seconds += 0.2 * (time.monotonic() - start - self._mean_seconds)
        except TimeoutError:
            raise ApiError(
                504,
                f"{form.name}: not done within {settings.timeout_seconds:g} s, the limit of this "
                "server; cut the recording into shorter ones",
                code="timeout",
            ) from None
        except ApiError as error:
            if error.status == 429:
                error.headers["Retry-After"] = str(self._retry_after)
            raise
        except TooLongError as error:
            raise ApiError(413, str(error), "file", "too_long") from None
        except DataError as error:
            raise ApiError(400, str(error), "file") from None
        except SpeechLSTMError as error:
            raise ApiError(500, str(error)) from None
        self._metrics.audio_seconds.labels("recording").inc(step.transcript.duration)
        return step

    async def _steps(
        self,
        worker: WorkerProcess,
        key: int,
        form: Form,
        wanted: Wanted,
        on_segment: Callable[[Step], None],
    ) -> Step:
        if form.path is None:
            raise ApiError(400, "there is no recording; send it in the field file", "file")
        limit, words = self._settings.max_audio_seconds, (wanted.hot_words, wanted.hints)
        try:
            await worker.ask(OpenRecording(key, form.path, form.name, limit, *words))
        except (ConfigError, DataError) as error:
            raise ApiError(400, str(error).removeprefix("decoding."), "keywords") from None
        while True:
            step: Step = await worker.ask(NextStep(key))
            if step.is_last:
                return step
            on_segment(step)

    @property
    def _retry_after(self) -> int:
        waiting = (1 + self._workers.num_waiting) * self._mean_seconds
        return math.ceil(min(max(waiting / self._settings.jobs, 1), 60))


class TranscriptionsEndpoint:
    """The endpoint, an ASGI application.

    Args:
        transcriber: Transcribes uploads.
        model: What the processes have loaded.
        folder: The folder of uploads.
        settings: The limits.
    """

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
                    if form.path is None:
                        raise ApiError(
                            400, "there is no recording; send it in the field file", "file"
                        )
                except ApiError as error:
                    await _refuse(error, request, send)
                    return
                response: Response
                if wanted.is_streamed:
                    response = self._events(form, wanted)
                else:
                    response = await _unless_gone(request, self._whole(form, wanted))
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


def _single(fields: dict[str, list[str]], key: str, default: str) -> str:
    values = fields.get(key, [default])
    if len(values) > 1:
        raise ApiError(400, f"the field {key} is given {len(values)} times", key)
    return values[0]


def _choice(fields: dict[str, list[str]], key: str, default: str, known: tuple[str, ...]) -> str:
    value = _single(fields, key, default)
    return _known(key, value.lower() if known == ("true", "false") else value, known)


def _choices(fields: dict[str, list[str]], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_known(key, value, known) for value in fields.get(key, []))


def _known(key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ApiError(400, f"{key} must be one of {', '.join(known)}, is {quoted(value)}", key)
    return value


def _check_model(name: str, model: Model) -> None:
    if name not in (model.name, *ALIASES):
        raise ApiError(
            404,
            f"the model {quoted(name)} does not exist; this server has {model.name}",
            "model",
            "model_not_found",
        )


def _check_temperature(value: str) -> None:
    try:
        is_possible = 0 <= float(value) <= 1
    except ValueError:
        is_possible = False
    if not is_possible:
        raise ApiError(
            400, f"temperature must be a number from 0 to 1, is {quoted(value)}", "temperature"
        )


def _language(fields: dict[str, list[str]], model: Model) -> str | None:
    """The language; a model of a language that is not known is believed to know the one given."""
    given = fields.get("languages") or [_single(fields, "language", "")]
    codes = [code.strip().lower() for code in given if code.strip()]
    codes = ["en" if code == "english" else code for code in codes]
    for code in codes:
        if not re.fullmatch("[a-z]{2,3}(-[a-z0-9]+)*", code):
            raise ApiError(
                400, f"language must be a code of ISO 639-1, is {quoted(code)}", "language"
            )
    if model.language and codes and model.language not in (code[:2] for code in codes):
        raise ApiError(
            400,
            f"the model {model.name} knows {model.language} alone, not {quoted(codes[0])}",
            "language",
        )
    return model.language or (codes[0] if codes else None)


def _short_pieces(prompt: str) -> list[str]:
    """What stands between commas, marks and ends of lines, unless it is as long as a sentence."""
    pieces = re.split(r"[,;:\n\r.!?]+", prompt)
    return [piece for piece in pieces if len(piece.split()) <= _HOT_WORD_WORDS]


def _hot_words(key: str, phrases: list[str]) -> tuple[str, ...]:
    words = dict.fromkeys(" ".join(phrase.split()) for phrase in phrases)
    words.pop("", None)
    if len(words) > _MAX_HOT_WORDS:
        raise ApiError(400, f"{key}: more than {_MAX_HOT_WORDS} hot words", key)
    return tuple(words)
