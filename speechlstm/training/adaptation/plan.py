"""Which layers are trained, how fast and how long, by the amount of speech."""

from dataclasses import dataclass

from speechlstm.config import Settings

MINUTE = 60.0
LITTLE = 15 * MINUTE  # of speech: below it, cross-validation chooses the number of epochs


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
        return Plan(0, 8e-4, 40 if seconds < LITTLE else 20, 30.0, 0)
    if seconds < LITTLE:
        return Plan(num_layers // 2, 3e-4, 8, 20.0 if seconds < 5 * MINUTE else 40.0, 3)
    return Plan(0, 3e-4, 8 if seconds < 120 * MINUTE else 6, 80.0, 0)
