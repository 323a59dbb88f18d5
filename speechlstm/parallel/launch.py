"""What a launcher of several processes, such as torchrun, tells each of them."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Self

from speechlstm.errors import ConfigError

_NEEDED = ("MASTER_ADDR", "MASTER_PORT", "WORLD_SIZE", "RANK")
_GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Launch:
    """The environment variables that torchrun sets; others, such as Kubeflow, set the same.

    Attributes:
        num_processes: Number of processes, on all machines together.
        process_id: Number of this process, counted from 0.
        num_local: Number of processes on this machine.
        local_id: Number of this process among them, counted from 0.
    """

    num_processes: int
    process_id: int
    num_local: int
    local_id: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self | None:
        """Read the variables; None: no launcher has set them.

        Raises:
            ConfigError: A variable is not a number, or out of range.

        >>> address = {"MASTER_ADDR": "gpu0", "MASTER_PORT": "29500"}
        >>> Launch.read(address | {"WORLD_SIZE": "4", "RANK": "3"})
        Launch(num_processes=4, process_id=3, num_local=1, local_id=0)
        """
        if not all(environment.get(name) for name in _NEEDED):
            return None
        num_processes, process_id = (
            _number(environment, name, "") for name in ("WORLD_SIZE", "RANK")
        )
        num_local = _number(environment, "LOCAL_WORLD_SIZE", "1")
        local_id = _number(environment, "LOCAL_RANK", "0")
        for name, number, limit in (
            ("RANK", process_id, num_processes),
            ("LOCAL_RANK", local_id, num_local),
        ):
            if number >= limit:
                raise ConfigError(f"{name}: must be in 0..{limit - 1}, is {number}")
        return cls(num_processes, process_id, num_local, local_id)

    def choose_gpu(self, environment: MutableMapping[str, str]) -> None:
        """Let this process see one GPU only, one for each process of the machine.

        To be called before torch is imported. Without GPUs, it has no effect.

        Raises:
            ConfigError: The environment allows fewer GPUs than there are processes.

        >>> environment = {"CUDA_VISIBLE_DEVICES": "2,5"}
        >>> Launch(4, 3, 2, 1).choose_gpu(environment)
        >>> environment
        {'CUDA_VISIBLE_DEVICES': '5'}
        """
        allowed = environment.get(_GPUS)
        if allowed == "" or allowed == "-1":  # no GPU shall be used
            return
        gpus = allowed.split(",") if allowed else [str(k) for k in range(self.num_local)]
        if len(gpus) < self.num_local:
            raise ConfigError(
                f"{_GPUS}: has {allowed}, but {self.num_local} processes were started on this "
                "machine: start one for each GPU"
            )
        environment[_GPUS] = gpus[self.local_id]


def _number(environment: Mapping[str, str], name: str, default: str) -> int:
    value = environment.get(name) or default
    if not value.isdecimal():
        raise ConfigError(f"{name}: must be a number, is {value!r}")
    return int(value)
