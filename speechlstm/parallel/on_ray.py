"""Applies a function to many items on a Ray cluster."""

import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from speechlstm.errors import ConfigError, MissingDependencyError

Item = TypeVar("Item")
Result = TypeVar("Result")

_QUEUED = 2  # items given to each actor: one that it works on, one that follows at once
_AHEAD = 8  # items taken for each actor before the oldest result is due
_SECONDS = 10.0  # that a cluster has to answer


def map_on_ray(
    load: Callable[[], Callable[[Item], Result]], items: Iterable[Item], address: str
) -> Iterator[Result]:
    """Apply a function to items, and yield the results in the order of the items.

    Each processor core of the cluster gets an actor, which loads the function once, in the working
    folder of this process if the node has it, so that relative paths mean the same. An actor that
    dies is started again, elsewhere if its node is gone, and does again what it had not returned:
    each item has one result. Few items are taken before the next result is due.

    Args:
        load: Returns the function. It is called here, too, so that an error shows at once.
        items: What to apply it to; like load and the results, they are sent over the network. The
            nodes must have this package, and the files that items name.
        address: Of the cluster: HOST:PORT, ray://HOST:PORT, auto, or local to start one here.

    Raises:
        ConfigError: There is no cluster at the address.
        MissingDependencyError: Ray is not installed.
        Exception: Whatever load raises, the items raise, or the function, when that result is due.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise MissingDependencyError("ray") from None
    load()
    is_ours = not ray.is_initialized()
    if is_ours:
        try:
            _check_reachable(address)
            ray.init(address, log_to_driver=False, logging_level="error")
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(f"{error}".split())
            raise ConfigError(f"--ray {address}: no Ray cluster: {reason}") from None
    try:
        actor = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Actor)
        num_actors = max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield from _mapped(ray, [actor.remote(load, Path.cwd()) for _ in range(num_actors)], items)
    finally:
        if is_ours:
            ray.shutdown()


def _check_reachable(address: str) -> None:
    """Try to connect to HOST:PORT, because Ray tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), _SECONDS).close()


class _Actor:
    """Applies the function in a process of the cluster."""

    def __init__(self, load: Callable[[], Callable[[Any], Any]], folder: Path) -> None:
        with suppress(OSError):
            os.chdir(folder)
        self._function = load()

    def apply(self, item: Any) -> Any:
        """The result of the function."""
        return self._function(item)


def _mapped(ray: Any, actors: list[Any], items: Iterable[Any]) -> Iterator[Any]:
    waiting = enumerate(items)
    idle = deque(actors * _QUEUED)
    busy: dict[Any, tuple[int, Any]] = {}  # the index of the item and the actor, by result
    results: dict[int, Any] = {}
    due, is_exhausted = 0, False
    while True:
        while idle and not is_exhausted and len(busy) + len(results) < _AHEAD * len(actors):
            index, item = next(waiting, (-1, None))
            is_exhausted = index < 0
            if not is_exhausted:
                actor = idle.popleft()
                busy[actor.apply.remote(item)] = index, actor
        if not busy:
            return
        (ready,), _ = ray.wait(list(busy), num_returns=1)
        index, actor = busy.pop(ready)
        idle.append(actor)
        results[index] = ready
        while due in results:
            yield _value(ray, results.pop(due))
            due += 1


def _value(ray: Any, result: Any) -> Any:
    try:
        return ray.get(result)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
