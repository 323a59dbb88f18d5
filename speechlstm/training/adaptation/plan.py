"""Which layers are trained, how fast and how long, by the amount of speech."""

from dataclasses import dataclass

from speechlstm.config import Settings

MINUTE = 60.0
LITTLE = 15 * MINUTE  # of speech; with less, cross-validation chooses the number of epochs


@dataclass(frozen=True)
class Plan:
    """How a network is adapted.

    Attributes:
        frozen_layers: Number of recurrent layers, from the input on, that are not trained.
        batch_seconds: Audio of a batch; little, since an epoch would have too few updates.
        num_folds: Folds of the cross-validation that chooses the number of epochs; 0: none.
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
    """What to train of a network, by the amount of speech.

    The lower layers model sounds, which minutes of speech cannot improve, so with little speech
    only the upper half is trained. Another language has other sounds: then all layers are trained,
    and longer.

    Args:
        seconds: Duration of the training utterances.
        same_labels: Whether the new model has the alphabet of the base.
    """
    if not same_labels:
        return Plan(0, 8e-4, 40 if seconds < LITTLE else 20, 30.0, 0)
    if seconds < LITTLE:
        return Plan(num_layers // 2, 3e-4, 8, 20.0 if seconds < 5 * MINUTE else 40.0, 3)
    return Plan(0, 3e-4, 8 if seconds < 120 * MINUTE else 6, 80.0, 0)
