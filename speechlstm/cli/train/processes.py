"""What `speechlstm train` shares each batch among, and the command that continues it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.types import IntegerRange
from speechlstm.parallel.launch import Launch

if TYPE_CHECKING:
    from speechlstm.training.engine.distribution import Cluster


_OPTIONS = (
    click.option(
        "--devices",
        "num_devices",
        type=IntegerRange(min=1),
        default=1,
        show_default=True,
        help="GPUs of this machine that share each batch (jax backend).",
    ),
    click.option(
        "--coordinator",
        metavar="HOST:PORT",
        envvar="KERAS_DISTRIBUTION_JOB_ADDRESSES",
        help="Address of process 0, if several processes share each batch; torchrun sets it "
        "itself.",
    ),
    click.option(
        "--num-processes",
        type=IntegerRange(min=1),
        default=1,
        envvar="KERAS_DISTRIBUTION_NUM_PROCESSES",
        help="Number of processes that share each batch.",
    ),
    click.option(
        "--process-id",
        type=IntegerRange(min=0),
        default=0,
        envvar="KERAS_DISTRIBUTION_PROCESS_ID",
        help="Number of this process, counted from 0.",
    ),
)


@dataclass(frozen=True)
class Processes:
    """The options --devices, --coordinator, --num-processes and --process-id."""

    num_devices: int
    coordinator: str | None
    num_processes: int
    process_id: int

    def cluster(self, launch: Launch | None) -> "Cluster":
        """The devices that share each batch.

        Raises:
            ConfigError: An option is out of range, or Keras' backend does not support it.
        """
        from speechlstm.training.engine.distribution import Address, Cluster

        if launch:
            return Cluster(self.num_devices, launch.num_processes, launch.process_id, launched=True)
        address = Address.parse(self.coordinator) if self.coordinator else None
        return Cluster(self.num_devices, self.num_processes, self.process_id, address)

    def options(self) -> list[str]:
        """Those that were given, as a command line has them."""
        devices = ["--devices", f"{self.num_devices}"] if self.num_devices > 1 else []
        if self.num_processes == 1:
            return devices
        numbers = ["--num-processes", f"{self.num_processes}", "--process-id", f"{self.process_id}"]
        return [*devices, "--coordinator", f"{self.coordinator}", *numbers]


def processes_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of processes to a command, as one argument `processes`."""

    @wraps(function)
    def command(*args: Any, **rest: Any) -> None:
        processes = Processes(**{field.name: rest.pop(field.name) for field in fields(Processes)})
        function(*args, **rest, processes=processes)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def launched(other: bool) -> Launch | None:
    """What torchrun tells this process, if it has started it.

    Args:
        other: Whether there are options that contradict it.
    """
    launch = Launch.read(os.environ)
    if launch and launch.num_processes > 1 and other:
        raise click.UsageError("torchrun starts the processes: without --num-processes and --plan")
    return launch


def resume_command(
    run: Path, cache: Path | None, processes: Processes, launch: Launch | None
) -> list[str] | None:
    """The command that continues the run; None if another process names it."""
    options = ["train", "--resume", "-o", f"{run}", *(["--cache", f"{cache}"] if cache else [])]
    if not launch:
        return ["speechlstm", *options, *processes.options()]
    if launch.process_id:
        return None
    num_machines = launch.num_processes // launch.num_local
    nodes = ["--nnodes", f"{num_machines}"] if num_machines > 1 else []
    local = ["--nproc-per-node", f"{launch.num_local}"]
    return ["torchrun", *nodes, *local, "-m", "speechlstm", *options]
