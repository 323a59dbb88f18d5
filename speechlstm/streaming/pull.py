"""Feeds a stream from a source of blocks."""

from collections.abc import Iterable, Iterator

from numpy.typing import ArrayLike

from speechlstm.errors import DataError
from speechlstm.streaming.events import Event
from speechlstm.streaming.stream import Stream


def pulled(stream: Stream, blocks: Iterable[ArrayLike]) -> Iterator[Event]:
    """The events of a stream that is fed with blocks, and then finished.

    Raises:
        DataError: Of the blocks or of the stream, after the final event of what came before.
    """
    error: DataError | None = None
    try:
        for block in blocks:
            yield from stream.feed(block)
    except DataError as caught:
        error = caught
    yield from stream.finish()
    if error:
        raise error
