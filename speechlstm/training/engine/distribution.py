"""Several devices, on one machine or on several, that share each batch and train one model.

Every device holds all weights and computes its part of a batch; loss and gradients are sums over
all parts, so that training is what it is on one device. Keras does this on its jax backend alone
(`keras.distribution.DataParallel`).
"""

import atexit
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import keras
import numpy as np

from speechlstm.errors import ConfigError, TrainingError

START_SECONDS = 300.0  # within which all processes must have come
_FOR_EVER = 10**6  # seconds
_STOP_SECONDS = 60  # that a process which has ended waits for the others
_GONE = ("Gloo", "NCCL", "UNAVAILABLE")  # what jax's errors speak of when another process has died


@dataclass(frozen=True)
class Address:
    """Where process 0 listens.

    Attributes:
        host: Name or address of its machine, as the others know it.
        port: A free port there that they can reach.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """An address from "host:port".

        Raises:
            ConfigError: It is none.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(f"coordinator: must be HOST:PORT, is {text!r}")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Cluster:
    """Those who share each batch; by default one device alone.

    Attributes:
        num_devices: Devices of each process.
        num_processes: Processes.
        process_id: This one, counted from 0; process 0 writes the run.
        coordinator: Where process 0 listens; needed where there are several.

    Raises:
        ConfigError: No such process, or a backend that cannot do it.
    """

    num_devices: int = 1
    num_processes: int = 1
    process_id: int = 0
    coordinator: Address | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.process_id < self.num_processes:
            raise ConfigError(
                f"process id: must be in 0..{self.num_processes - 1} for {self.num_processes} "
                f"processes, is {self.process_id}"
            )
        backend = keras.backend.backend()
        if self.total_devices > 1 and backend != "jax":
            raise ConfigError(
                f"several devices need the jax backend, this is {backend}: pip install jax, then "
                "set the environment variable KERAS_BACKEND=jax"
            )

    @property
    def total_devices(self) -> int:
        """Devices of all processes."""
        return self.num_devices * self.num_processes

    @property
    def leads(self) -> bool:
        """Whether this process writes the run."""
        return self.process_id == 0

    def num_rows(self, num_utterances: int) -> int:
        """Rows of a batch: a multiple of the devices."""
        return -(-num_utterances // self.total_devices) * self.total_devices

    def rows(self, num_utterances: int) -> range:
        """Those rows of a batch that are this process's."""
        size = self.num_rows(num_utterances) // self.num_processes
        return range(self.process_id * size, (self.process_id + 1) * size)

    @contextmanager
    def joined(self, state: str, seconds: float = START_SECONDS) -> Iterator[None]:
        """Within it, models are made on all devices of all processes.

        Args:
            state: A word that must be the same in all processes.
            seconds: How long to wait for the others.

        Raises:
            ConfigError: A process has fewer devices than it should use.
            TrainingError: The processes did not meet, or one has gone.
        """
        if self.total_devices == 1:
            yield
            return
        try:
            if self.coordinator:
                _connect(self, self.coordinator, state, seconds)
            distribution = keras.distribution.DataParallel(
                devices=_device_names(self), auto_shard_dataset=False
            )
            with distribution.scope():
                yield
        except Exception as error:
            if self.num_processes > 1:
                atexit.register(os._exit, 1)  # jax would wait for the others and then abort
                if any(word in str(error) for word in _GONE):
                    raise TrainingError(
                        "another process has gone: see what it says, then --resume all of them"
                    ) from error
            raise

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all must ask."""
        if self.num_processes == 1:
            return flag
        from jax.experimental.multihost_utils import process_allgather

        return bool(process_allgather(np.array(flag)).any())


def _connect(cluster: Cluster, address: Address, state: str, seconds: float) -> None:
    """Return in every process once all are there and have the same state.

    Where not all come, jax ends the process with a stack trace. So it waits for ever, in a thread,
    and this one as long as it should.
    """
    import jax
    from jax.experimental.multihost_utils import assert_equal

    faults: list[Exception] = []

    def initialize() -> None:
        try:
            jax.distributed.initialize(
                f"{address}",
                cluster.num_processes,
                cluster.process_id,
                initialization_timeout=_FOR_EVER,
                shutdown_timeout_seconds=_STOP_SECONDS,
                coordinator_bind_address=f"{address}" if cluster.leads else None,
            )
        except (RuntimeError, ValueError) as error:
            faults.append(error)

    thread = threading.Thread(target=initialize, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TrainingError(
            f"{address}: not all {cluster.num_processes} processes came within {seconds:.0f} s; "
            f"start each with another --process-id, 0 to {cluster.num_processes - 1}, and open the "
            "port"
        )
    if faults:
        reason = " ".join(f"{faults[0]}".split())
        raise TrainingError(f"{address}: the processes cannot meet: {reason}")
    digest = hashlib.sha256(f"{cluster.num_devices}-{state}".encode()).digest()
    try:
        assert_equal(np.frombuffer(digest, np.uint8))
    except AssertionError:
        raise TrainingError(
            f"{address}: a process has another number of devices, other data or another checkpoint "
            "than the others: all must see the same files"
        ) from None


def _device_names(cluster: Cluster) -> list[str]:
    """Keras' names of all devices, those of a process next to each other."""
    import jax

    names = []
    for process in range(cluster.num_processes):
        found = jax.local_devices(process)
        if len(found) < cluster.num_devices:
            raise ConfigError(
                f"devices: {cluster.num_devices} are asked for, process {process} has "
                f"{len(found)} ({found[0].platform})"
            )
        names += [f"{device.platform}:{device.id}" for device in found[: cluster.num_devices]]
    return names
