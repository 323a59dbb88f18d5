"""The learning rate at each update."""

from speechlstm.config import Schedule


def learning_rate(schedule: Schedule, num_updates: int, progress: float) -> float:
    """Return the learning rate: linear warm-up, constant, linear decay to 0 at the end.

    A run whose number of epochs was changed continues with the rate of a run of the new length: if
    its rate had decayed to 0, it rises at once and falls to 0 over the additional epochs.

    Args:
        schedule: Highest rate, warm-up and decay.
        num_updates: Updates done so far.
        progress: Fraction of all epochs that is done, 0..1.

    >>> schedule = Schedule(learning_rate=1.0, warmup_steps=4, decay=0.5)
    >>> [learning_rate(schedule, 0, 0.0), learning_rate(schedule, 9, 0.5)]
    [0.25, 1.0]
    >>> learning_rate(schedule, 14, 0.75)
    0.5
    """
    warm = min(1.0, (num_updates + 1) / max(1, schedule.warmup_steps))
    decay = schedule.decay
    decayed = 1.0 if progress <= decay else (1 - progress) / (1 - decay)
    return schedule.learning_rate * warm * decayed
