"""How long and how fast a network is trained."""

from typing import Protocol


class Schedule(Protocol):
    """Those settings that every training has; see TrainConfig."""

    @property
    def num_epochs(self) -> int:
        """Passes over the data, at most."""

    @property
    def learning_rate(self) -> float:
        """After the warm-up, before the decay."""

    @property
    def warmup_steps(self) -> int:
        """Updates over which the learning rate climbs from 0."""

    @property
    def decay(self) -> float:
        """From where on (share of all updates) the learning rate falls linearly to 0."""

    @property
    def checkpoint_minutes(self) -> float:
        """From one checkpoint to the next within an epoch; 0: after each update."""

    @property
    def seed(self) -> int:
        """Of initial weights, order and whatever is drawn."""


def learning_rate(schedule: Schedule, num_updates: int, progress: float) -> float:
    """Linear warm-up, flat, linear decay to 0 at the end.

    A run that is prolonged goes on with the rate that a run of the new length has there: where the
    old one had decayed to 0, the rate rises at once, and falls to 0 over the new epochs.

    Args:
        schedule: Rate, warm-up and decay.
        num_updates: Updates so far.
        progress: Share of all epochs that is done, 0..1.
    """
    warm = min(1.0, (num_updates + 1) / max(1, schedule.warmup_steps))
    decay = schedule.decay
    decayed = 1.0 if progress <= decay else (1 - progress) / (1 - decay)
    return schedule.learning_rate * warm * decayed
