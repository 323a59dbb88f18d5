"""Processes and devices that share each batch on jax, by jax.distributed."""

import threading
from typing import Any

import numpy as np

from speechlstm.errors import ConfigError, TrainingError

_FOREVER = 10**6  # seconds
_STOP_SECONDS = 60  # for which a process that has finished waits for the others


def connect(address: str, num_processes: int, process_id: int, seconds: float) -> None:
    """Connect the processes.

    If a process is missing after its timeout, jax ends the program with a stack trace. So jax gets
    an endless timeout and waits in a thread, and this function watches the time.

    Args:
        address: "host:port", at which process 0 listens.
        process_id: Number of this process, counted from 0.

    Raises:
        TrainingError: Not all processes have connected.
    """
    import jax

    errors: list[Exception] = []

    def initialize() -> None:
        try:
            jax.distributed.initialize(
                address,
                num_processes,
                process_id,
                initialization_timeout=_FOREVER,
                shutdown_timeout_seconds=_STOP_SECONDS,
                coordinator_bind_address=address if process_id == 0 else None,
            )
        except (RuntimeError, ValueError) as error:
            errors.append(error)

    thread = threading.Thread(target=initialize, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TrainingError(
            f"{address}: not all {num_processes} processes connected within {seconds:.0f} s; start "
            f"each with its own --process-id, 0 to {num_processes - 1}, and check that the "
            "machines can reach this port"
        )
    if errors:
        reason = " ".join(f"{errors[0]}".split())
        raise TrainingError(f"{address}: the processes cannot connect: {reason}")


def in_all_processes(value: bytes) -> list[bytes]:
    """The bytes that each process has called this with, as many in each."""
    from jax.experimental.multihost_utils import process_allgather

    gathered: Any = process_allgather(np.frombuffer(value, np.uint8))
    return [row.tobytes() for row in np.asarray(gathered)]


def device_names(num_processes: int, num_devices: int) -> list[str]:
    """Keras' names of the devices of all processes, in the order of the processes.

    Raises:
        ConfigError: A process has fewer devices than `num_devices`.
    """
    import jax

    names = []
    for process in range(num_processes):
        found = jax.local_devices(process)
        if len(found) < num_devices:
            raise ConfigError(
                f"devices: {num_devices} requested, but process {process} has "
                f"{len(found)} ({found[0].platform})"
            )
        names += [f"{device.platform}:{device.id}" for device in found[:num_devices]]
    return names
