"""Worker processes, as the event loop sees them: asked without blocking, replaced when they die."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from itertools import count
from multiprocessing.connection import wait
from typing import Any

from speechlstm.errors import SpeechLSTMError
from speechlstm.parallel.worker import Outcome, Worker
from speechlstm.server.errors import ApiError
from speechlstm.server.requests import Close, Describe, Model
from speechlstm.server.service import Service

_SUPERVISION_SECONDS = 0.2
_RETRY_SECONDS = 1.0  # after a process that could not start
_GRACE_SECONDS = 10.0  # for a step that nobody waits for; a process that takes longer is ended


class WorkerDied(ApiError):  # noqa: N818 the name says what happened
    """The process that worked on a request has died."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "the process that worked on this has died; try again, or send another recording if "
            "this one does it again",
            code="worker_died",
            headers={"Retry-After": "1"},
        )


class WorkerProcess:
    """A process that answers requests, one after the other.

    Attributes:
        num_leases: How many recordings or streams it has been given.
    """

    def __init__(self, load: Callable[[], Service], number: int) -> None:
        self.num_leases = 0
        self._worker = Worker.start(load, number)
        self._thread = ThreadPoolExecutor(1, f"worker-{number}")
        self._turn = asyncio.Lock()
        self._pid = self._worker.process.pid or 0
        self._is_cleared = False

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._pid

    @property
    def is_alive(self) -> bool:
        """Whether the process can be asked."""
        # Not Process.is_alive, which would take the exit code away from a thread that waits for it.
        return not wait([self._worker.process.sentinel], 0)

    async def ask(self, request: object) -> Any:
        """The answer of the process. If the caller is cancelled, the answer is dropped.

        Raises:
            WorkerDied: The process has died.
            SpeechLSTMError: The process could not do it.
        """
        exchange = asyncio.create_task(self._exchange(request))
        exchange.add_done_callback(_forget)
        return await asyncio.shield(exchange)

    async def _exchange(self, request: object) -> Any:
        async with self._turn:
            if self._is_cleared:  # replaced while a stream was silent
                raise WorkerDied
            loop = asyncio.get_running_loop()
            outcome = await loop.run_in_executor(self._thread, self._outcome, request)
        if outcome.is_error and not self.is_alive:
            raise WorkerDied from outcome.value
        return outcome.unwrap()

    def _outcome(self, request: object) -> Outcome:
        self._worker.give((0, request))
        return self._worker.outcome()

    def kill(self) -> None:
        """End the process at once."""
        self._worker.process.kill()

    def clear(self) -> None:
        """Release what belongs to a process that has ended or has been killed. Does not block."""
        self._is_cleared = True
        self._thread.shutdown(wait=False)


def _forget(task: "asyncio.Task[Any]") -> None:
    """Mark the error of a task as seen: whoever asked may have gone."""
    if not task.cancelled():
        task.exception()


class Workers:
    """Several processes of one kind, each with as many recordings or streams as it can take.

    Args:
        capacity: Recordings or streams at a time, for each process.
        max_waiting: How many more may wait for one.
        report: Called with a line about each process that has died.
        max_leases: Recordings or streams at a time, in all processes.

    Attributes:
        num_replaced: Processes that have died and have been replaced.
    """

    def __init__(
        self,
        load: Callable[[], Service],
        number: int,
        capacity: int,
        max_waiting: int,
        report: Callable[[str], None],
        max_leases: int = sys.maxsize,
    ) -> None:
        self.num_replaced = 0
        self._max_leases = max_leases
        self._load, self._number, self._capacity = load, number, capacity
        self._max_waiting, self._report = max_waiting, report
        self._workers: list[WorkerProcess] = []
        self._waiters: deque[asyncio.Future[WorkerProcess]] = deque()
        self._numbers, self._keys = count(1), count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Model:
        """Start the processes; returns what they have loaded.

        Raises:
            SpeechLSTMError: The models cannot be loaded.
        """
        models = await asyncio.gather(*(self._start_one() for _ in range(self._number)))
        self._spawn(self._supervise())
        return models[0]

    def kill(self) -> None:
        """End all processes at once."""
        for task in self._tasks:
            task.cancel()
        for worker in self._workers:
            worker.kill()
            worker.clear()
        self._workers.clear()

    @property
    def pids(self) -> list[int]:
        """The processes that can be asked."""
        return [worker.pid for worker in self._workers if worker.is_alive]

    @property
    def num_leases(self) -> int:
        """Recordings or streams in all processes."""
        return sum(worker.num_leases for worker in self._workers)

    @property
    def num_waiting(self) -> int:
        """Recordings that wait for a process."""
        return len(self._waiters)

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[tuple[WorkerProcess, int]]:
        """A process to work on one recording or stream, and a key to name that by.

        At the end, the process is told to forget the key.

        Raises:
            ApiError: Too many are waiting.
        """
        worker, key = await self._acquire(), next(self._keys)
        try:
            yield worker, key
        finally:
            self._spawn(self._release(worker, key))

    async def _acquire(self) -> WorkerProcess:
        worker = self._free()
        if worker:
            worker.num_leases += 1
            return worker
        if len(self._waiters) >= self._max_waiting:
            raise ApiError(429, "the server is busy; try again later", code="busy")
        waiter: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # given, and nobody takes it
                waiter.result().num_leases -= 1
                self._give_to_waiters()
            else:
                with suppress(ValueError):
                    self._waiters.remove(waiter)
            raise

    def _free(self) -> WorkerProcess | None:
        if self.num_leases >= self._max_leases:
            return None
        free = [w for w in self._workers if w.num_leases < self._capacity and w.is_alive]
        return min(free, key=lambda worker: worker.num_leases, default=None)

    def _give_to_waiters(self) -> None:
        while self._waiters and (worker := self._free()):
            waiter = self._waiters.popleft()
            if not waiter.done():
                worker.num_leases += 1
                waiter.set_result(worker)

    async def _release(self, worker: WorkerProcess, key: int) -> None:
        try:
            await asyncio.wait_for(worker.ask(Close(key)), _GRACE_SECONDS)
        except TimeoutError:
            worker.kill()
        except SpeechLSTMError:
            pass  # it has died
        worker.num_leases -= 1
        self._give_to_waiters()

    async def _start_one(self) -> Model:
        worker = WorkerProcess(self._load, next(self._numbers))
        try:
            model: Model = await worker.ask(Describe())
        except BaseException as error:
            worker.kill()
            worker.clear()
            if isinstance(error, WorkerDied):  # no recording is at fault
                raise SpeechLSTMError(f"serve: {error.__cause__}") from None
            raise
        self._workers.append(worker)
        self._give_to_waiters()
        return model

    async def _supervise(self) -> None:
        """Replace processes that die."""
        while True:
            for worker in [w for w in self._workers if not w.is_alive]:
                self._workers.remove(worker)
                worker.clear()
                self._report(f"Process {worker.pid} has died; starting another.")
                self._spawn(self._replace())
            await asyncio.sleep(_SUPERVISION_SECONDS)

    async def _replace(self) -> None:
        while True:
            try:
                await self._start_one()
            except SpeechLSTMError as error:
                self._report(f"A process could not be started: {error}")
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self.num_replaced += 1
                return

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
