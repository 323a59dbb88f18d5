"""How long an adaptation still takes, from its steps and how long those before have taken."""

import time
from collections.abc import Callable, Mapping

from speechlstm.training.acoustic.planning import timespan

LANGUAGE, FOLDS, TRAINING = "lexicon and n-grams", "cross-validation", "training"
EXPORT, BASE, TUNING = "export", "errors of the base", "decoder settings"
# Seconds that the steps take, with the model of the package on one core: those that hear, for a
# second of audio.
RATES = {LANGUAGE: 10.0, FOLDS: 0.04, TRAINING: 0.04, EXPORT: 30.0, BASE: 0.06, TUNING: 0.4}
_TRUST = 20.0  # seconds: of less, the time that was taken says little about all the rest


class Clock:
    """Estimates the time left of steps that follow each other.

    The estimates are corrected by the ratio of the time taken to that estimated, over all that has
    been done so far.

    Args:
        amounts: Of each step, in order, what is still to be done: seconds of audio, or 1; 0: it has
            been done.
        now: Tells the seconds.
    """

    def __init__(
        self, amounts: Mapping[str, float], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._estimates = {s: RATES[s] * amount for s, amount in amounts.items() if amount}
        self._now, self._started = now, now()
        self._step, self._units, self._num_done = "", 1, 0

    def begin(self, step: str, units: int = 1, amount: float | None = None) -> str:
        """Begin a step, all before it having ended; returns its number, its name and the time left.

        Args:
            units: Of how many equal parts it consists.
            amount: What is to be done, if that is known better now.
        """
        if amount is not None:
            self._estimates[step] = RATES[step] * amount
        self._step, self._units, self._num_done = step, units, 0
        steps = list(self._estimates)
        return f"step {steps.index(step) + 1} of {len(steps)}, {step}: {self.left()}"

    def advance(self) -> str:
        """One more part of the step has been done; returns the time left."""
        self._num_done = min(self._units, self._num_done + 1)
        return self.left()

    def left(self) -> str:
        """The time left of all steps, as a text."""
        return f"about {timespan(max(1.0, self.seconds_left()))} left in all"

    def seconds_left(self) -> float:
        """Seconds until all steps have ended."""
        steps = list(self._estimates)
        done = sum(self._estimates[step] for step in steps[: steps.index(self._step)])
        done += self._num_done / self._units * self._estimates[self._step]
        left = sum(self._estimates.values()) - done
        return left * (self._now() - self._started + _TRUST) / (done + _TRUST)
