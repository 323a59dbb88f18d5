"""A process that calls one function on one item after another, seen from both ends."""

import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import PurePath
from typing import Any, NamedTuple

from speechlstm.errors import SpeechLSTMError

_GRACE_SECONDS = 5.0  # for a process to end before it is killed
_SIGKILL = 9  # Windows' signal module has no name for it


class Outcome(NamedTuple):
    """What has come of an item.

    Attributes:
        value: The result, or an error.
        is_error: Which of the two.
    """

    value: Any
    is_error: bool

    def unwrap(self) -> Any:
        """The result; an error is raised."""
        if self.is_error:
            raise self.value
        return self.value


@dataclass
class Worker:
    """A process as its parent sees it.

    Attributes:
        process: The process.
        connection: Over which items go there and outcomes come back.
        name: For people.
        item: What it works on.
        index: Its place among the items.
        is_ready: Whether it has ever answered.
    """

    process: BaseProcess
    connection: Connection
    name: str
    item: Any = None
    index: int = -1
    is_ready: bool = False

    @classmethod
    def start(cls, load: Callable[[], Any], number: int) -> "Worker":
        """A new process.

        Args:
            load: Makes the function, there.
            number: For people, from 1 up.
        """
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        # A daemon: where the parent ends in a hurry, multiprocessing ends these first.
        process = context.Process(target=_work, args=(load, theirs), daemon=True)
        process.start()
        theirs.close()  # so that the end of the process is the end of the connection
        return cls(process, ours, f"process {number}")

    def give(self, item: tuple[int, Any] | None) -> bool:
        """Hand over an item, with its index; whether there was one."""
        if item is None:
            return False
        self.index, self.item = item
        # Where it has died, it shows of what when it is asked for the outcome.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(self.item)
        return True

    def outcome(self) -> Outcome:
        """What came of the item; waits for it."""
        try:
            outcome: Outcome = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return Outcome(SpeechLSTMError(self._cause_of_death()), is_error=True)
        self.is_ready = True
        return outcome

    def _cause_of_death(self) -> str:
        self.process.join()
        code = self.process.exitcode or 0
        at = f" at {self.item!s:.120}" if isinstance(self.item, str | PurePath) else ""
        if code < 0:
            ended = f"was killed by {_signal_name(-code)}{at}"
            hint = "memory may be short: try fewer jobs" if -code == _SIGKILL else "try fewer jobs"
            return f"{self.name} {ended}; {hint}"
        hint = (
            "see above"
            if self.is_ready
            else "see above; a script that starts processes needs: if __name__ == '__main__':"
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


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _work(load: Callable[[], Callable[[Any], Any]], items: Connection) -> None:
    """What a process does: an outcome for each item, until there is no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends this
    threading.Thread(target=_end_with_parent, daemon=True).start()
    function: Callable[[Any], Any] | None = None
    while True:
        try:
            item = items.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            function = function or load()
            outcome = Outcome(function(item), is_error=False)
        except Exception as error:  # noqa: BLE001 the parent raises it
            outcome = Outcome(_portable(error), is_error=True)
        items.send(outcome)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        connection.wait([parent.sentinel])
        os._exit(1)  # the main thread may be in the midst of an item, of a long one


def _portable(error: Exception) -> Exception:
    """The error if it can travel to another process, or else one that says the same."""
    if not isinstance(error, SpeechLSTMError):
        error.add_note(traceback.format_exc())  # else lost on the way
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 what this very process has pickled
    except Exception:  # noqa: BLE001 an error may demand any arguments, or hold anything
        return SpeechLSTMError(f"{type(error).__name__}: {error}")
    return error
