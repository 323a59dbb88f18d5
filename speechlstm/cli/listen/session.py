"""What `speechlstm listen` does from its start to its end."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from speechlstm.audio import BlockSource
from speechlstm.audio.microphone import Microphone
from speechlstm.cli.listen.live import Live
from speechlstm.cli.output import say
from speechlstm.errors import DataError
from speechlstm.interruption import Interrupted, Interruption
from speechlstm.recognizer import Recognizer
from speechlstm.streaming import Event, Final, join_finals
from speechlstm.transcript import Transcript

_NOTICED_SECONDS = 10.0  # of digital silence; a microphone that works has some noise
_LARGEST = 1  # of a silent sample, in steps of 16 bits


class Session:
    """Recognises what comes from a source, and shows it.

    Args:
        endpoint_seconds: As in `Recognizer.open_stream`.

    Attributes:
        closed: The error that ended the session if nothing can be printed any more.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        source: BlockSource,
        endpoint_seconds: float | None,
        live: Live,
    ) -> None:
        self._source, self._live = source, live
        self._stream = recognizer.open_stream(source.sample_rate, endpoint_seconds)
        self.finals: list[Final] = []
        self.closed: OSError | None = None

    @property
    def seconds(self) -> float:
        """How much has come."""
        return self._stream.seconds

    def listen(self, interruption: Interruption) -> DataError | None:
        """Listen to the end of the source, or to a signal.

        Returns:
            The error by which the source has ended before its time; None: it has not.
        """
        error = None
        blocks = iter(self._source)
        try:
            while self.closed is None:
                with interruption.waiting():
                    block = next(blocks, None)
                if block is None:
                    break
                self._show(self._stream.feed(block))
        except DataError as caught:
            error = caught
        except Interrupted:
            pass
        self._show(self._stream.finish())
        return error

    def transcript(self) -> Transcript:
        """All that was heard."""
        return join_finals(self.finals, self.seconds)

    def _show(self, events: list[Event]) -> None:
        self.finals += [event for event in events if isinstance(event, Final)]
        try:
            for event in events:
                if self.closed is None:
                    self._live.add(event)
        except OSError as error:  # nobody reads it, the terminal is gone, the disk is full
            self.closed = error


class Watched:
    """A microphone; says if it loses samples, or is silent, as it is when it is muted."""

    def __init__(self, microphone: Microphone) -> None:
        self._microphone, self.sample_rate = microphone, microphone.sample_rate

    def __iter__(self) -> Iterator[ArrayLike]:
        """Its blocks."""
        seconds, num_lost = 0.0, 0
        for block in self._microphone:
            is_silent = np.abs(block.astype(np.int32)).max(initial=0) <= _LARGEST
            before = seconds
            seconds = seconds + len(block) / self.sample_rate if is_silent else 0.0
            if before < _NOTICED_SECONDS <= seconds:
                say(f"{self._microphone.name}: no sound for {_NOTICED_SECONDS:g} s; is it muted?")
            if self._microphone.num_lost > num_lost == 0:
                say(f"{self._microphone.name}: sound was lost; this machine is too busy")
            num_lost = self._microphone.num_lost
            yield block
