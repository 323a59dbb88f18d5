"""libmpg123 tells the user's stderr what it thinks of a frame; a command line may forbid it.

Only frames whose Huffman codes are damaged get that far, see mp3. The descriptor is the whole
process's, so a library leaves it alone until it is asked to.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_lock = Lock()
_is_wanted = False
_num_within = 0
_saved = -1


def silence_codecs() -> None:
    """From now on, send what codecs write to stderr nowhere, while they decode."""
    global _is_wanted  # noqa: PLW0603 - stderr is the process's too
    _is_wanted = True


@contextmanager
def silenced() -> Iterator[None]:
    """While it lasts, what the process writes to file descriptor 2 goes nowhere, if so wanted."""
    if not _is_wanted:
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _num_within, _saved  # noqa: PLW0603
    with _lock:
        _num_within += 1
        if _num_within == 1:
            try:
                _saved = os.dup(2)
            except OSError:  # stderr is closed
                _saved = -1
                return
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 2)
            os.close(nowhere)


def _leave() -> None:
    global _num_within, _saved  # noqa: PLW0603
    with _lock:
        _num_within -= 1
        if _num_within == 0 and _saved >= 0:
            os.dup2(_saved, 2)
            os.close(_saved)
            _saved = -1
