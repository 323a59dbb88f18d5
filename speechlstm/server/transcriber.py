"""Uploads to transcripts, by worker processes within limits."""

import asyncio
import math
import time
from collections.abc import Callable

from speechlstm.errors import ConfigError, DataError, SpeechLSTMError
from speechlstm.server.errors import ApiError, as_api_error
from speechlstm.server.fields import Wanted
from speechlstm.server.forms import Form
from speechlstm.server.metrics import Metrics
from speechlstm.server.requests import NextStep, OpenRecording, Step
from speechlstm.server.settings import ServerSettings
from speechlstm.server.workers import WorkerProcess, Workers


class Transcriber:
    """Transcribes uploads with worker processes.

    Args:
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
        except SpeechLSTMError as error:
            answer = as_api_error(error, "file")
            if answer.status == 429:
                answer.headers["Retry-After"] = str(self._retry_after)
            raise answer from None
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
