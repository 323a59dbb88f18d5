"""Processes that share each batch on torch: torch.distributed, by Gloo, and NCCL between GPUs.

The gradients are summed in one piece after the backward pass, as DistributedDataParallel does with
a single bucket. Its averages would give each process the same weight, however many utterances it
has, and it needs a module around the network, which Keras' training step does not know.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import keras

from speechlstm.errors import TrainingError
from speechlstm.training.layers.accelerator import has_gpu

# The others wait while process 0 decodes the recordings. A process that ends is noticed at once; a
# machine that is lost, by torchrun.
_PATIENCE = timedelta(days=2)


@contextmanager
def connected(url: str, num_processes: int, process_id: int, seconds: float) -> Iterator[None]:
    """Connect the processes for the duration of the block.

    Args:
        url: "tcp://host:port", at which process 0 listens, or "env://": that of the environment
            variables MASTER_ADDR and MASTER_PORT, where torchrun or process 0 listens.
        process_id: Number of this process, counted from 0.
        seconds: How long to wait for the other processes.

    Raises:
        TrainingError: Not all processes have connected.
    """
    from torch import distributed

    kind = "cpu:gloo,cuda:nccl" if has_gpu() else "gloo"
    errors: list[Exception] = []

    def connect() -> None:
        try:
            limit = timedelta(seconds=seconds)
            shared, *_ = next(distributed.rendezvous(url, process_id, num_processes, timeout=limit))
            name = _agreed_name(shared, num_processes, process_id, seconds)
            store = distributed.PrefixStore(name, shared)
            store.set(f"kind {process_id}", kind)
            if len({store.get(f"kind {process}") for process in range(num_processes)}) > 1:
                raise ValueError("some have no GPU: start one process for each GPU")
            distributed.init_process_group(
                kind, store=store, world_size=num_processes, rank=process_id, timeout=_PATIENCE
            )
        except (RuntimeError, ValueError, OSError) as error:
            errors.append(error)

    # In a thread, since a signal, such as torchrun's if another process ends, must end this one.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join()
    if errors:
        reason = " ".join(f"{errors[0]}".split())
        raise TrainingError(f"{url}: the {num_processes} processes cannot connect: {reason}")
    yield
    # Not after an error: NCCL would wait for the other processes.
    distributed.destroy_process_group()


def _agreed_name(store: Any, num_processes: int, process_id: int, seconds: float) -> str:
    """A name that only the processes that were started together know.

    torchrun keeps its store when it starts all processes again, so that it may have the addresses
    of those that have ended. Each process asks with a word of its own; process 0 answers with that
    word and the name until all have thanked for it.

    Raises:
        TimeoutError: One does not ask, or has no answer.
    """
    own, due = uuid4().hex, time.monotonic() + seconds
    missing = set(range(1, num_processes))
    if process_id:
        store.set(f"ask {process_id}", own)
    while time.monotonic() < due:
        if process_id == 0:
            for process in sorted(missing):
                if store.check([f"thanks {own} {process}"]):
                    missing.remove(process)
                elif store.check([f"ask {process}"]):
                    store.set(f"answer {process}", f"{store.get(f'ask {process}').decode()} {own}")
            if not missing:
                return own
        elif store.check([f"answer {process_id}"]):
            answer: str = store.get(f"answer {process_id}").decode()
            asked, _, name = answer.partition(" ")
            if asked == own:
                store.set(f"thanks {name} {process_id}", "")
                return name
        time.sleep(0.05)
    silent = ", ".join(map(str, sorted(missing))) if process_id == 0 else "0"
    raise TimeoutError(f"within {seconds:.0f} s no answer from process {silent}")


def is_connected() -> bool:
    """Whether this process shares its batches with others by torch."""
    if keras.backend.backend() != "torch":
        return False
    from torch import distributed

    return bool(distributed.is_available() and distributed.is_initialized())


def wait_for_all() -> None:
    """Wait until every process has called this."""
    in_all_processes(b"here")


def in_all_processes(value: bytes) -> list[bytes]:
    """The bytes that each process has called this with, as many in each."""
    import torch

    own = torch.tensor(list(value), dtype=torch.uint8, device="cpu")
    gathered = [torch.empty_like(own) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(gathered, own)
    return [bytes(row.tolist()) for row in gathered]


def agreed(value: Any) -> Any:
    """The value of process 0."""
    from torch import device, distributed

    values = [value]
    distributed.broadcast_object_list(values, src=0, device=device("cpu"))
    return values[0]


def total(value: float) -> float:
    """The sum of a number over all processes."""
    import torch

    summed = torch.tensor(value, dtype=torch.float64, device="cpu")
    torch.distributed.all_reduce(summed)
    return float(summed)


def over_processes(value: Any) -> Any:
    """The sum of a tensor over all processes, as a constant; of this one alone, its own."""
    if not is_connected():
        return value
    from torch import distributed

    value = value.detach().clone()
    distributed.all_reduce(value)
    return value


def summed_gradients(gradients: list[Any]) -> list[Any]:
    """The sum of the gradients over all processes; of this one alone, its own."""
    if not is_connected():
        return gradients
    import torch

    flat = torch.cat([gradient.flatten() for gradient in gradients])
    torch.distributed.all_reduce(flat)
    pieces = flat.split([gradient.numel() for gradient in gradients])
    return [piece.view(old.shape) for piece, old in zip(pieces, gradients, strict=True)]


def start_alike(variables: list[Any]) -> None:
    """Give the variables of every process the values of process 0."""
    from torch import distributed

    for variable in variables:
        distributed.broadcast(variable.value.detach(), src=0)
