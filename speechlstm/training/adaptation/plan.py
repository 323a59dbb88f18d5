"""Which layers are trained, how fast and how long, by the amount of speech."""

from dataclasses import dataclass

from speechlstm.config import Settings

MINUTE = 60.0
LITTLE = 15 * MINUTE  # of speech: below it, cross-validation chooses the number of epochs
HARDLY_ANY = 1 * MINUTE


@dataclass(frozen=True)
class Plan:
    """How a network is adapted.

    Attributes:
        frozen_layers: Recurrent layers, from the input on, that stay as they are.
        learning_rate: The highest.
        num_epochs: At most.
        batch_seconds: Audio in a batch: small ones, or an epoch has too few updates.
        num_folds: Of the cross-validation that chooses the number of epochs; 0: there is none.
    """

    frozen_layers: int
    learning_rate: float
    num_epochs: int
    batch_seconds: float
    num_folds: int

    def settings(self, base: Settings, num_epochs: int) -> Settings:
        """The settings of a run that starts from a base."""
        return base.with_training(
            num_epochs=num_epochs,
            batch_seconds=self.batch_seconds,
            learning_rate=self.learning_rate,
            frozen_layers=self.frozen_layers,
            warmup_steps=20,
            decay=0.3,
            early_stop=0,
        )


def make_plan(seconds: float, num_layers: int, same_labels: bool) -> Plan:
    """What to train of a network, for so much speech.

    The lower layers hear sounds, which a few minutes cannot teach better than hours have; with
    little speech the upper half is trained alone. Another language has other sounds: then all of
    them learn, longer.

    Args:
        seconds: Of speech to learn from.
        num_layers: The base's recurrent layers.
        same_labels: Whether the output layer is the base's.
    """
    if not same_labels:
        return Plan(0, 5e-4, 40 if seconds < LITTLE else 20, 30.0, 0)
    if seconds < LITTLE:
        return Plan(num_layers // 2, 3e-4, 8, 20.0 if seconds < 5 * MINUTE else 40.0, 3)
    return Plan(0, 3e-4, 8 if seconds < 120 * MINUTE else 6, 80.0, 0)


def learning_seconds(plan: Plan, seconds: float) -> float:
    """Audio that is read in all of cross-validation and training, at most."""
    return plan.num_epochs * seconds * max(1, plan.num_folds)


class Clock:
    """Estimates how long learning will take, from how long a part of it has taken.

    Args:
        seconds: Audio that is read in all.
    """

    def __init__(self, seconds: float) -> None:
        self._left, self._read, self._elapsed = seconds, 0.0, 0.0

    def minutes_left(self, seconds: float, elapsed: float) -> float:
        """Minutes until all is read.

        Args:
            seconds: Audio that has been read since the last call.
            elapsed: Seconds that this has taken.
        """
        self._left -= seconds
        self._read += seconds
        self._elapsed += elapsed
        return max(0.0, self._left) * self._elapsed / max(self._read, 1e-9) / 60
