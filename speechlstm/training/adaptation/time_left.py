"""Estimates the remaining time of an adaptation from the time that it has taken so far."""

import time
from collections.abc import Callable, Mapping

from speechlstm.training.acoustic.planning import timespan

LANGUAGE, FOLDS, TRAINING = "lexicon and n-grams", "cross-validation", "training"
EXPORT, BASE, TUNING = "export", "errors of the base", "decoder settings"
# Seconds that the steps take, with the model of the package on one core; of those that run the
# network, for a second of audio.
RATES = {LANGUAGE: 10.0, FOLDS: 0.04, TRAINING: 0.04, EXPORT: 30.0, BASE: 0.06, TUNING: 0.4}
_TRUST = 20.0  # seconds; a shorter time says little about the speed of the rest


class TimeLeft:
    """Estimates the remaining time of consecutive steps.

    They are corrected by the ratio of the time taken to the time estimated, over all steps so far.

    Args:
        amounts: The amount of work of each step, in order: seconds of audio, or 1; 0: it is done.
        now: Returns the present time in seconds.
    """

    def __init__(
        self, amounts: Mapping[str, float], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._estimates = {s: RATES[s] * amount for s, amount in amounts.items() if amount}
        self._now, self._started = now, now()
        self._step, self._units, self._num_done = "", 1, 0

    def begin(self, step: str, units: int = 1, amount: float | None = None) -> str:
        """Begin a step, which ends those before; returns its number, its name and the time left.

        Args:
            units: The number of equal parts of the step.
            amount: The amount of work, if it is now known better.
        """
        if amount is not None:
            self._estimates[step] = RATES[step] * amount
        self._step, self._units, self._num_done = step, units, 0
        steps = list(self._estimates)
        return f"step {steps.index(step) + 1} of {len(steps)}, {step}: {self.left()}"

    def advance(self) -> str:
        """Count one more part of the step as done; returns the time left."""
        self._num_done = min(self._units, self._num_done + 1)
        return self.left()

    def left(self) -> str:
        """The remaining time of all steps, to be read."""
        return f"about {timespan(max(1.0, self.seconds_left()))} left in all"

    def seconds_left(self) -> float:
        """The remaining time of all steps in seconds."""
        steps = list(self._estimates)
        done = sum(self._estimates[step] for step in steps[: steps.index(self._step)])
        done += self._num_done / self._units * self._estimates[self._step]
        left = sum(self._estimates.values()) - done
        return left * (self._now() - self._started + _TRUST) / (done + _TRUST)
