"""A process that applies a function to one item after another: both its ends."""

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from pathlib import PurePath
from typing import Any, NamedTuple, NoReturn

from speechlstm.errors import SpeechLSTMError
from speechlstm.interruption import ending_signals

_GRACE_SECONDS = 5.0  # for a process to end before it is killed
_CLOSING_SECONDS = 0.2  # between the ends of a connection and of the process that is killed
_SIGKILL = 9  # Windows' signal module has no name for it

_last_calls: list[Callable[[], None]] = []  # see call_when_parent_ends


class Outcome(NamedTuple):
    """The outcome for one item.

    Attributes:
        value: The result, or the error that was raised.
    """

    value: Any
    is_error: bool

    def unwrap(self) -> Any:
        """The result; if there was an error, it is raised."""
        if self.is_error:
            raise self.value
        return self.value


@dataclass
class Worker:
    """A process, as its parent sees it.

    Attributes:
        connection: Sends items to the process and receives outcomes.
        name: Names the process in messages.
    """

    process: BaseProcess
    connection: Connection
    name: str
    item: Any = None
    index: int = -1
    is_ready: bool = False

    @classmethod
    def start(cls, load: Callable[[], Any], number: int) -> "Worker":
        """Start a process.

        Args:
            load: Returns the function, in that process.
            number: The number of the process, from 1, for messages.
        """
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        # As a daemon, it is ended by multiprocessing when the parent exits.
        process = context.Process(target=_work, args=(load, theirs), daemon=True)
        with _of_terminals_held():
            process.start()
        theirs.close()  # so that the connection ends when the process ends
        return cls(process, ours, f"process {number}")

    def give(self, item: tuple[int, Any]) -> None:
        """Send an item, given with its index, to the process."""
        self.index, self.item = item
        # If the process has died, outcome() says why.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(self.item)

    def outcome(self) -> Outcome:
        """The outcome for the item; waits for it."""
        try:
            outcome: Outcome = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return Outcome(SpeechLSTMError(self._cause_of_death()), is_error=True)
        self.is_ready = True
        return outcome

    def _cause_of_death(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        name = getattr(self.item, "path", self.item)  # of a part of a file, the file
        at = f" at {name!s:.120}" if isinstance(name, str | PurePath) else ""
        if code < 0:
            ended = f"was killed by {_signal_name(-code)}{at}"
            out_of_memory = "it may have run out of memory; try fewer jobs"
            hint = out_of_memory if -code == _SIGKILL else "try fewer jobs"
            return f"{self.name} {ended}; {hint}"
        hint = (
            "see its messages above"
            if self.is_ready
            else "see its messages above; a script that starts processes needs: "
            "if __name__ == '__main__':"
        )
        return f"{self.name} ended with exit code {code}{at}; {hint}"

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        self.process.terminate()
        self.process.join(_GRACE_SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        self.process.close()


@contextmanager
def _of_terminals_held() -> Iterator[None]:
    """Hold signals of terminals back in this block, and for ever in the processes that start in it.

    They reach all processes of a terminal; one that has not come to `_work` yet would end with a
    traceback. This process gets them when the block ends.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    ensure_running()  # with the first process, it would start and let SIGINT through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _of_terminals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _of_terminals() -> set[signal.Signals]:
    """Signals that reach the parent, too, which may have to save something, and ends its processes.

    They are Ctrl-C and the end of the terminal.
    """
    return set(ending_signals()) - {signal.SIGTERM}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _work(load: Callable[[], Callable[[Any], Any]], items: Connection) -> None:
    """In the process: receive items and send outcomes until the parent closes the connection."""
    for number in _of_terminals():
        signal.signal(number, signal.SIG_IGN)
    guard = threading.Thread(target=_end_with_parent, daemon=True)
    guard.start()
    with suppress(EOFError, ConnectionError):
        _answer(load, items)
    # A parent that was killed closes the connection, too; then the last calls must be finished.
    parent = parent_process()
    if parent and connection.wait([parent.sentinel], _CLOSING_SECONDS):
        guard.join()


def _answer(load: Callable[[], Callable[[Any], Any]], items: Connection) -> NoReturn:
    """Send the outcome of each item; EOFError or ConnectionError ends it."""
    function: Callable[[Any], Any] | None = None
    while True:
        item = items.recv()
        try:
            function = function or load()
            outcome = Outcome(function(item), is_error=False)
        except Exception as error:  # noqa: BLE001 the parent raises it
            outcome = Outcome(_portable(error), is_error=True)
        items.send(outcome)


def call_when_parent_ends(function: Callable[[], None]) -> None:
    """In the process: have a function called if the parent ends first, killed for instance."""
    _last_calls.append(function)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        connection.wait([parent.sentinel])
        for function in _last_calls:
            function()
        os._exit(1)  # at once: the main thread may be working on a long item


def _portable(error: Exception) -> Exception:
    """The error itself if it can be pickled, or else another one with the same message."""
    if not isinstance(error, SpeechLSTMError):
        error.add_note(traceback.format_exc())  # pickling drops the traceback
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 pickled in this line
    except Exception:  # noqa: BLE001 an error may hold anything
        return SpeechLSTMError(f"{type(error).__name__}: {error}")
    return error
