"""A live stream in a worker process."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from speechlstm.recognizer import Recognizer
from speechlstm.server.answers import formats_of
from speechlstm.server.requests import Ending, OpenStream, TooLongError
from speechlstm.streaming import Event, Final, join_finals


class LiveStream:
    """A stream, with what is wanted of it.

    Raises:
        ValueError: The sample rate is not possible.
    """

    def __init__(self, recognizer: Recognizer, request: OpenStream) -> None:
        self._stream = recognizer.open_stream(request.sample_rate)  # type: ignore[arg-type]
        self._max_seconds, self._formats = request.max_seconds, request.formats
        self._finals: list[Final] = []

    def feed(self, pcm: bytes) -> list[dict[str, Any]]:
        """Recognise the next samples, of 16 bits, little-endian.

        Raises:
            TooLongError: The stream is longer than the server takes.
        """
        events = self._noted(self._stream.feed(np.frombuffer(pcm, "<i2")))
        if self._stream.seconds > self._max_seconds:
            raise TooLongError(
                f"the stream lasts more than {self._max_seconds:.0f} s, the limit of this server; "
                "open another one"
            )
        return events

    def finish(self) -> Ending:
        """End the stream."""
        events, seconds = self._noted(self._stream.finish()), self._stream.seconds
        whole = join_finals(self._finals, seconds)
        return Ending(events, seconds, formats_of("stream", whole, self._formats))

    def _noted(self, events: Iterable[Event]) -> list[dict[str, Any]]:
        if self._formats:
            self._finals += [event for event in events if isinstance(event, Final)]
        return [event.to_dict() for event in events]
