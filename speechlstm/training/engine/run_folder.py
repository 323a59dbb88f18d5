"""The folder of a run: the files that every network's training keeps there."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from speechlstm.errors import ConfigError, ModelError
from speechlstm.storage import (
    dump_checked,
    parse_checked,
    parse_json,
    read_regular_file,
    write_atomically,
)
from speechlstm.training.engine.checkpoint import load_checkpoint, load_state
from speechlstm.training.engine.network import Network

N = TypeVar("N", bound=Network)

HAS_INITIAL = "has_initial_weights"  # in the description of a run that has initial.npz


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run's files.

    >>> RunFolder(Path("runs/mine")).best.name
    'best.npz'
    """

    path: Path

    @property
    def description(self) -> Path:
        """The settings and inputs of the run; a folder without this file holds no run."""
        return self.path / "run.json"

    @property
    def initial(self) -> Path:
        """The initial weights, of a run that starts from another model."""
        return self.path / "initial.npz"

    @property
    def checkpoint(self) -> Path:
        """The state from which training resumes."""
        return self.path / "checkpoint.npz"

    @property
    def best(self) -> Path:
        """The weights of the best epoch, which are exported."""
        return self.path / "best.npz"

    @property
    def metrics(self) -> Path:
        """The metrics as JSON, a line for each epoch."""
        return self.path / "metrics.jsonl"

    @property
    def plot(self) -> Path:
        """The plot of the metrics."""
        return self.path / "training.png"

    def clear(self) -> None:
        """Prepare the folder for a new run; one without a checkpoint is replaced.

        Raises:
            ConfigError: The folder holds a run with a checkpoint.
        """
        if self.checkpoint.exists() or self.best.exists():
            raise ConfigError(
                f"{self.path}: already holds a run; resume it with --resume, or name another folder"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        self.forget()

    def forget(self) -> None:
        """Remove the description of a run: the folder then holds none, whatever else is in it.

        This is done to a run that cannot be trained, and before another run replaces one: if the
        process is killed then, the settings of one are not taken for those of the other.
        """
        for path in (self.description, self.initial):
            path.unlink(missing_ok=True)

    def write_description(self, values: Mapping[str, Any]) -> None:
        """Write the description, values that JSON can represent, after the initial weights."""
        begins = {HAS_INITIAL: True} if self.initial.exists() else {}
        write_atomically(self.description, dump_checked({**values, **begins}))

    def write_metrics(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Write the metrics of all epochs, for people and plots."""
        write_atomically(self.metrics, _lines(history))

    def restore_metrics(self, history: Sequence[Mapping[str, Any]]) -> bool:
        """Write the metrics again if they are not those of a checkpoint.

        Returns:
            Whether they were missing or damaged; they are neither if an epoch has been added, whose
            checkpoint was not written any more.
        """
        expected = _lines(history).encode()
        try:
            found = read_regular_file(self.metrics)
        except FileNotFoundError:
            found = b""
        except OSError as error:
            raise ModelError(f"{self.metrics}: cannot be read: {error.strerror}") from None
        if found != expected:
            self.write_metrics(history)
        return not found.startswith(expected)

    def read_metrics(self) -> list[dict[str, Any]]:
        """The metrics of each epoch; an empty list before the first epoch has ended.

        They are those in the checkpoint, which has checksums. A run may have lost its checkpoint:
        then they are read from metrics.jsonl.

        Raises:
            ModelError: The file is damaged.
        """
        if self.checkpoint.exists():
            try:
                return [dict(line) for line in load_state(self.checkpoint)["history"]]
            except (KeyError, ValueError, TypeError):
                raise ModelError(
                    f"{self.checkpoint}: damaged checkpoint, or of another version: it has no "
                    "history; restore it or train again"
                ) from None
        try:
            lines = read_regular_file(self.metrics).splitlines()
            history = [dict(parse_json(line)) for line in lines]
            if [line["epoch"] for line in history] != list(range(1, len(history) + 1)):
                raise ValueError("lines are lost or doubled")
            return history
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ModelError(f"{self.metrics}: cannot be read: {error.strerror}") from None
        except (KeyError, ValueError, TypeError):
            raise ModelError(
                f"{self.metrics}: damaged: must hold a line of JSON for each epoch"
            ) from None

    def refuse_lost_weights(self) -> None:
        """Refuse to train a run without a checkpoint from the start if it has had one.

        The weights of its best epoch would be replaced. After a kill at the end of the first epoch
        there are such weights, too, which the repeated epoch writes again. Nor does a run begin
        with random weights that was to begin with those of --init-from.

        Raises:
            ModelError: More than one epoch has ended, or the best weights are of another origin;
                or the initial weights are lost.
        """
        if self.best.exists():
            best = load_state(self.best)
            if not (best and best.get("epoch") == 1 and len(self.read_metrics()) <= 1):
                raise ModelError(
                    f"{self.checkpoint}: missing: training would start again and replace "
                    f"{self.best.name}; restore it, or start a new run with --init-from {self.path}"
                )
        if not self.initial.exists() and self._had_initial():
            raise ModelError(
                f"{self.initial}: missing: the run would begin with random weights; restore it, or "
                "start a new run with --init-from"
            )

    def _had_initial(self) -> bool:
        values = parse_checked(read_regular_file(self.description))
        return bool(values.get(HAS_INITIAL, False))

    def check_prolonging(self, num_epochs: int) -> int:
        """Check that a run may be given another number of epochs.

        Returns:
            The number of epochs that have ended.

        Raises:
            ConfigError: More epochs than `num_epochs` have ended.
            ModelError: The metrics are damaged.
        """
        done = len(self.read_metrics())
        if num_epochs < done:
            raise ConfigError(
                f"{self.path}: {done} epochs have ended already; --epochs must be at least {done}, "
                f"is {num_epochs}"
            )
        return done


@dataclass(frozen=True)
class NetworkRun(RunFolder, ABC, Generic[N]):
    """A run that trains one kind of network."""

    @abstractmethod
    def new_network(self) -> N:
        """The network with newly initialised weights."""

    @abstractmethod
    def rank(self, metrics: Mapping[str, Any]) -> Any:
        """The sort key of an epoch's metrics: the epoch with the lowest key is the best."""

    def best_network(self) -> N:
        """The network with the weights of the best epoch.

        Raises:
            ModelError: No epoch has ended yet, or the weights are damaged.
        """
        if not self.best.exists() and not self.read_metrics():
            raise ModelError(
                f"{self.path}: no epoch of this run has ended yet; continue it with --resume"
            )
        network = self.new_network()
        load_checkpoint(self.best, {"model": network.variables})
        return network

    def summary(self) -> dict[str, Any]:
        """The metrics of the best epoch: they are kept with its weights.

        Runs of version 0.1.0 have them in the list of all epochs only; weights from elsewhere that
        were put into a run have none.

        Raises:
            ModelError: No epoch has ended yet, or the file of the metrics is damaged.
        """
        best = load_state(self.best) if self.best.exists() else None
        source = self.metrics if best is None else self.best
        lines: list[Any] = self.read_metrics() if best is None else [best]
        if not lines and self.best.exists():
            return {}
        if not lines:
            raise ModelError(f"{self.metrics}: missing: no epoch has ended yet")
        try:
            summary: dict[str, Any] = min(lines, key=self.rank)
        except KeyError as error:
            raise ModelError(f"{source}: damaged: a line lacks {error}") from None
        except TypeError:
            raise ModelError(f"{source}: damaged: a value is not a number") from None
        return summary


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a run, and not a bundle.

    Raises:
        ModelError: It holds both.
    """
    if not path.is_dir() or not (path / "bundle.json").exists():
        return path.is_dir()
    if RunFolder(path).description.exists():
        raise ModelError(f"{path}: holds a run and a bundle; move one of them to another folder")
    return False


def _lines(history: Sequence[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(line)}\n" for line in history)


@contextmanager
def read_description(path: Path, network: str) -> Iterator[dict[str, Any]]:
    """Read run.json; errors that its values cause within the block become a ModelError.

    Args:
        network: What the run trains, for messages: "an acoustic model".

    Raises:
        ModelError: The folder holds no run of such a network, or its description is damaged.
    """
    file = RunFolder(path).description
    try:
        values = parse_checked(read_regular_file(file))
        values.pop(HAS_INITIAL, None)
        yield values
    except OSError as error:
        name = Path(error.filename or file).name
        raise ModelError(f"{path}: holds no run of {network}: {error.strerror}: {name}") from None
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        reason = f"lacks the key {error}" if isinstance(error, KeyError) else f"{error}"
        raise ModelError(
            f"{file}: damaged, or not a run of {network}: {reason or type(error).__name__}"
        ) from None
