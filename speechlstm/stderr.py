"""Messages that native libraries write to standard error, hidden."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Lock
from typing import BinaryIO

_FD = 2  # C and C++ libraries write to the descriptor, past sys.stderr


class _Redirection:
    """The redirection of file descriptor 2, shared by all threads that ask for one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._num_users = 0
        self._hidden: set[bytes] = set()
        self._stderr = -1
        self._file: BinaryIO | None = None

    def start(self, hidden: bytes) -> None:
        with self._lock:
            self._num_users += 1
            self._hidden.add(hidden)
            if self._num_users == 1:
                try:
                    self._stderr = os.dup(_FD)
                except OSError:  # standard error is closed: there is nothing to hide
                    return
                try:
                    self._file = TemporaryFile()  # noqa: SIM115 (closed by the last user)
                except OSError:  # no folder can be written to: nothing is hidden
                    os.close(self._stderr)
                    return
                os.dup2(self._file.fileno(), _FD)

    def stop(self) -> None:
        with self._lock:
            self._num_users -= 1
            if self._num_users == 0:
                hidden, self._hidden = self._hidden, set()
                if self._file:
                    os.dup2(self._stderr, _FD)
                    os.close(self._stderr)
                    with self._file as file:
                        file.seek(0)
                        kept = [line for line in file if not any(text in line for text in hidden)]
                    self._file = None
                    try:
                        os.write(_FD, b"".join(kept))
                    except BrokenPipeError:  # nobody reads messages any more: see cli.output.say
                        raise
                    except OSError:
                        pass


_redirection = _Redirection()


@contextmanager
def hidden_stderr(text: bytes = b"") -> Iterator[None]:
    r"""Hide lines that the process writes to file descriptor 2 within the block.

    Other lines, whichever thread writes them, appear when the block ends; nothing of them is lost.
    Blocks may be nested and may overlap in several threads: they share one redirection, which ends
    with the last of them.

    Args:
        text: Lines that contain this are hidden; by default all are.

    >>> with hidden_stderr(b"Created TensorFlow Lite XNNPACK delegate"):
    ...     _ = os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
    """
    _redirection.start(text)
    try:
        yield
    finally:
        _redirection.stop()
