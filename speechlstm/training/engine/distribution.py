"""Data-parallel training: several devices, on one or several machines, share each batch.

Every device holds all weights and computes its share of the batch; loss and gradients are summed
over all devices, so training gives the same result as on one device. Keras supports this on its jax
backend only (`keras.distribution.DataParallel`).
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

START_SECONDS = 300.0  # in which all processes must have connected
_FOREVER = 10**6  # seconds
_STOP_SECONDS = 60  # for which a process that has finished waits for the others
_GONE = ("Gloo", "NCCL", "UNAVAILABLE")  # words in jax's errors when another process has died


@dataclass(frozen=True)
class Address:
    """The address at which process 0 listens.

    Attributes:
        host: Name or IP address of the machine of process 0, as the other machines resolve it.
        port: A free port of that machine that the other machines can reach.

    >>> Address.parse("gpu0:4000")
    Address(host='gpu0', port=4000)
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse "host:port".

        Raises:
            ConfigError: The text has another form, or the port is not in 1..65535.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(
                f"coordinator: must be HOST:PORT with a port of 1 to 65535, is {text!r}"
            )
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Cluster:
    """The processes and devices that share each batch; by default a single device.

    Attributes:
        num_devices: Number of devices of each process.
        num_processes: Number of processes.
        process_id: Number of this process, counted from 0; process 0 writes the run.
        coordinator: The address of process 0; needed with several processes.

    Raises:
        ConfigError: `process_id` is out of range, or the backend does not support several devices.

    >>> Cluster().rows(5)
    range(0, 5)
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
                f"several devices need the jax backend, but Keras runs on {backend}: "
                "pip install jax, then set the environment variable KERAS_BACKEND=jax"
            )

    @property
    def total_devices(self) -> int:
        """The number of devices of all processes together."""
        return self.num_devices * self.num_processes

    @property
    def leads(self) -> bool:
        """Whether this process writes the run."""
        return self.process_id == 0

    def num_rows(self, num_utterances: int) -> int:
        """The number of rows of a batch, rounded up to a multiple of the number of devices."""
        return -(-num_utterances // self.total_devices) * self.total_devices

    def rows(self, num_utterances: int) -> range:
        """The rows of a batch that this process computes."""
        size = self.num_rows(num_utterances) // self.num_processes
        return range(self.process_id * size, (self.process_id + 1) * size)

    @contextmanager
    def joined(self, state: str, seconds: float = START_SECONDS) -> Iterator[None]:
        """Connect the processes; models built in the block use all devices of all processes.

        Args:
            state: A text that must be equal in all processes.
            seconds: How long to wait for the other processes.

        Raises:
            ConfigError: A process has fewer devices than `num_devices`.
            TrainingError: The processes did not connect, or one has ended during the block.
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
                atexit.register(os._exit, 1)  # jax would wait for the other processes, then abort
                if any(word in str(error) for word in _GONE):
                    raise TrainingError(
                        "another process has ended: read its error message, then start all "
                        "processes again with --resume"
                    ) from error
            raise

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; every process must call this."""
        if self.num_processes == 1:
            return flag
        from jax.experimental.multihost_utils import process_allgather

        return bool(process_allgather(np.array(flag)).any())


def _connect(cluster: Cluster, address: Address, state: str, seconds: float) -> None:
    """Wait until all processes have connected and check that they have the same state.

    If a process is missing after its timeout, jax ends the program with a stack trace. So jax gets
    an endless timeout and waits in a thread, and this function watches the time.
    """
    import jax
    from jax.experimental.multihost_utils import assert_equal

    errors: list[Exception] = []

    def initialize() -> None:
        try:
            jax.distributed.initialize(
                f"{address}",
                cluster.num_processes,
                cluster.process_id,
                initialization_timeout=_FOREVER,
                shutdown_timeout_seconds=_STOP_SECONDS,
                coordinator_bind_address=f"{address}" if cluster.leads else None,
            )
        except (RuntimeError, ValueError) as error:
            errors.append(error)

    thread = threading.Thread(target=initialize, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TrainingError(
            f"{address}: not all {cluster.num_processes} processes connected within "
            f"{seconds:.0f} s; start each with its own --process-id, 0 to "
            f"{cluster.num_processes - 1}, and check that the machines can reach this port"
        )
    if errors:
        reason = " ".join(f"{errors[0]}".split())
        raise TrainingError(f"{address}: the processes cannot connect: {reason}")
    digest = hashlib.sha256(f"{cluster.num_devices}-{state}".encode()).digest()
    try:
        assert_equal(np.frombuffer(digest, np.uint8))
    except AssertionError:
        raise TrainingError(
            f"{address}: the processes differ in their number of devices, their data or their "
            "checkpoint: start all with the same options, on the same files"
        ) from None


def _device_names(cluster: Cluster) -> list[str]:
    """Keras' names of the devices of all processes, in the order of the processes."""
    import jax

    names = []
    for process in range(cluster.num_processes):
        found = jax.local_devices(process)
        if len(found) < cluster.num_devices:
            raise ConfigError(
                f"devices: {cluster.num_devices} requested, but process {process} has "
                f"{len(found)} ({found[0].platform})"
            )
        names += [f"{device.platform}:{device.id}" for device in found[: cluster.num_devices]]
    return names
