"""Data-parallel training: several devices, on one or several machines, share each batch.

Every device holds all weights and computes its share of the batch; loss and gradients are summed
over all devices, so training gives the same result as on one device. On torch each process has one
device, as torchrun starts them; on jax (`keras.distribution.DataParallel`) it may have several.
"""

import atexit
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Self, TypeVar

import keras

from speechlstm.errors import ConfigError, SpeechLSTMError, TrainingError
from speechlstm.training.engine import jax_processes, torch_processes
from speechlstm.training.layers.accelerator import has_gpu

START_SECONDS = 300.0  # in which all processes must have connected
# Words in the errors of jax and torch when another process has died.
_GONE = ("Gloo", "gloo", "NCCL", "UNAVAILABLE", "Connection reset", "Connection closed", "TCPStore")

T = TypeVar("T")


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
        process_id: Number of this process, counted from 0; process 0 writes the run.
        coordinator: The address of process 0; needed with several processes, unless launched.
        launched: Whether torchrun, or what sets the same variables, has started the processes. It
            may start all again at any time with the same command, which then continues its run.

    Raises:
        ConfigError: `process_id` is out of range, or the backend does not support several devices.

    >>> Cluster().rows(5)
    range(0, 5)
    """

    num_devices: int = 1
    num_processes: int = 1
    process_id: int = 0
    coordinator: Address | None = None
    launched: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.process_id < self.num_processes:
            raise ConfigError(
                f"process id: must be in 0..{self.num_processes - 1} for {self.num_processes} "
                f"processes, is {self.process_id}"
            )
        backend = keras.backend.backend()
        if self.num_devices > 1 and backend != "jax":
            raise ConfigError(
                f"several devices in one process need the jax backend, but Keras runs on {backend}:"
                " pip install jax, then set the environment variable KERAS_BACKEND=jax; or with "
                "torch, start a process for each by torchrun"
            )
        if self.num_processes > 1 and backend not in ("torch", "jax"):
            raise ConfigError(
                f"several processes need the torch or the jax backend, but Keras runs on {backend}:"
                " set the environment variable KERAS_BACKEND"
            )
        if self.launched and backend != "torch":
            raise ConfigError(
                f"torchrun needs the torch backend, but Keras runs on {backend}: set the "
                "environment variable KERAS_BACKEND=torch"
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
    def connected(self, seconds: float = START_SECONDS) -> Iterator[None]:
        """Connect the processes, on torch; jax's are connected by `joined`.

        Args:
            seconds: How long to wait for the other processes.

        Raises:
            TrainingError: The processes did not connect, or one has ended during the block.
        """
        if not self._on_torch or torch_processes.is_connected():
            yield
            return
        # Under torchrun, torch must find out who listens at the address.
        url = f"tcp://{self.coordinator}" if self.coordinator else "env://"
        with (
            _naming_ended_processes(),
            torch_processes.connected(url, self.num_processes, self.process_id, seconds),
        ):
            yield

    @contextmanager
    def joined(self, state: str, seconds: float = START_SECONDS) -> Iterator[None]:
        """Let the processes train together; models built in the block use all devices.

        On torch, they must be connected.

        Args:
            state: A text that must be equal in all processes.
            seconds: How long to wait for the other processes.

        Raises:
            ConfigError: A process has fewer devices than `num_devices`.
            TrainingError: The processes did not connect, differ, or one has ended during the block.
        """
        if self.total_devices == 1:
            yield
        elif self._on_torch:
            self._check_equal(state)
            yield
        else:
            with self._joined_on_jax(state, seconds):
                yield

    @contextmanager
    def _joined_on_jax(self, state: str, seconds: float) -> Iterator[None]:
        with _naming_ended_processes() if self.coordinator else nullcontext():
            if self.coordinator:
                address = f"{self.coordinator}"
                jax_processes.connect(address, self.num_processes, self.process_id, seconds)
                self._check_equal(state)
            names = jax_processes.device_names(self.num_processes, self.num_devices)
            distribution = keras.distribution.DataParallel(devices=names, auto_shard_dataset=False)
            with distribution.scope():
                yield

    def _check_equal(self, state: str) -> None:
        kind = f"{self.num_devices}-{has_gpu()}-{state}"
        digest = hashlib.sha256(kind.encode()).digest()
        gather = torch_processes if self._on_torch else jax_processes
        if set(gather.in_all_processes(digest)) != {digest}:
            raise TrainingError(
                f"{self.coordinator or 'torchrun'}: the processes differ in their devices, their "
                "data or their checkpoint: start all with the same options, on the same files"
            )

    @property
    def _on_torch(self) -> bool:
        return self.num_processes > 1 and keras.backend.backend() == "torch"

    @contextmanager
    def leader_first(self) -> Iterator[None]:
        """Run the block in process 0, and when that is done in the others; on torch only."""
        if self._on_torch and not self.leads:
            torch_processes.wait_for_all()
        yield
        if self._on_torch and self.leads:
            torch_processes.wait_for_all()

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; every process must call this."""
        if self.num_processes == 1:
            return flag
        processes = torch_processes if self._on_torch else jax_processes
        return any(map(any, processes.in_all_processes(bytes([flag]))))

    def agreed(self, value: T) -> T:
        """The value of process 0 on torch, where they may differ in their last digits."""
        return torch_processes.agreed(value) if self._on_torch else value

    def total(self, loss: float) -> float:
        """The loss of a batch from what the update of this process returned."""
        return torch_processes.total(loss) if self._on_torch else loss

    def start_alike(self, variables: list[keras.Variable]) -> None:
        """Give the variables of every process the values of process 0."""
        if self._on_torch:
            torch_processes.start_alike(variables)


@contextmanager
def _naming_ended_processes() -> Iterator[None]:
    """Turn what jax and torch raise when another process has ended into a TrainingError."""
    try:
        yield
    except Exception as error:
        atexit.register(os._exit, 1)  # jax and NCCL would wait for the other processes
        is_ours = isinstance(error, SpeechLSTMError)
        if not is_ours and any(word in f"{error}" for word in _GONE):
            raise TrainingError(
                "another process has ended: read its error message, then start all processes "
                "again with --resume"
            ) from error
        raise
