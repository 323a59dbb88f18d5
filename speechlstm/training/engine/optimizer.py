"""AdamW that skips updates whose gradient is not finite, with dynamic loss scaling."""

from typing import Any

import keras
from keras import ops

from speechlstm.config import Schedule
from speechlstm.training.engine.torch_processes import summed_gradients

LOSS_SCALE = 2.0**15  # initial scale: one that is too high is halved at once
GROWTH_STEPS = 2000  # updates without an overflow after which the scale is doubled
LONGEST_WARMUP = 0.1  # of a run: one of few updates would never reach its learning rate


class GuardedAdamW(keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter, 2019) that skips an update whose gradient is not finite.

    A skipped update leaves weights and moments unchanged; `num_skipped` counts it.

    With `loss_scale_factor`, which float16 needs, the loss is multiplied by it and the gradient
    divided by it, so that small gradients do not become 0. Each skipped update halves the factor,
    down to 1; GROWTH_STEPS updates in a row without a skip double it (Micikevicius et al., Mixed
    precision training, 2018). Keras' LossScaleOptimizer does not count the updates it skips.

    >>> weight = keras.Variable([1.0])
    >>> optimizer = GuardedAdamW(0.1, weight_decay=0.0)
    >>> optimizer.build([weight])
    >>> optimizer.apply([ops.array([float("nan")])], [weight])
    >>> float(weight[0]), int(optimizer.num_skipped)
    (1.0, 1)
    """

    weight_decay: float | None
    loss_scale_factor: Any  # Keras' argument: a number; after build, a variable

    def build(self, variables: list[Any]) -> None:
        """Create the moments, the counter and the state of the loss scale."""
        super().build(variables)
        self.weight_decay = self.weight_decay or None  # Keras would compute a decay of 0
        self.num_skipped = self.add_variable((), "zeros", "int32", name="num_skipped")
        if self.loss_scale_factor is not None:
            start = keras.initializers.Constant(self.loss_scale_factor)
            self.loss_scale_factor = self.add_variable((), start, "float32", name="loss_scale")
            self.num_finite = self.add_variable((), "zeros", "int32", name="num_finite")

    @property
    def loss_scale(self) -> float:
        """The factor by which the next loss is multiplied."""
        return 1.0 if self.loss_scale_factor is None else float(self.loss_scale_factor)

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        """Update the variables, unless a gradient is not finite."""
        if keras.backend.backend() == "torch":
            finite = self._apply_fused(grads, trainable_variables or self._trainable_variables)
        else:
            finite = ops.isfinite(sum(ops.sum(ops.square(grad)) for grad in grads))
            self._apply_if(finite, grads, trainable_variables)
        if self.loss_scale_factor is not None:
            self._adapt_scale(finite)

    def _apply_fused(self, grads: list[Any], variables: list[Any]) -> Any:
        """Update all variables in one pass through memory; Keras' operators take about twelve.

        Nothing here waits for a GPU.

        Returns:
            Whether the gradient is finite: a tensor.
        """
        import torch

        grads, variables = self._filter_empty_gradients(grads, variables)
        grads = summed_gradients(list(grads))
        places = [self._get_variable_index(variable) for variable in variables]
        scale = 1.0 if self.loss_scale_factor is None else self.loss_scale_factor.value
        with torch.no_grad():
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
            finite = torch.isfinite(norm)
            excess = norm / (scale * self.global_clipnorm) if self.global_clipnorm else norm * 0
            torch._fused_adamw_(
                [variable.value for variable in variables],
                grads,
                [self._momentums[place].value for place in places],
                [self._velocities[place].value for place in places],
                [],
                [(self.iterations.value + 1).float()] * len(variables),
                lr=self._get_current_learning_rate().value,
                beta1=self.beta_1,
                beta2=self.beta_2,
                weight_decay=self.weight_decay or 0.0,
                eps=self.epsilon,
                amsgrad=False,
                maximize=False,
                grad_scale=scale * excess.clamp(min=1.0),
                found_inf=(~finite).float(),
            )
            self.iterations.assign_add(finite.int())
            self.num_skipped.assign_add((~finite).int())
        return finite

    def _apply_if(self, finite: Any, grads: list[Any], variables: list[Any] | None) -> None:
        guarded = [*self.variables, *(variables or self._trainable_variables)]
        before = [ops.copy(variable) for variable in guarded]
        super().apply(grads, variables)
        for variable, value in zip(guarded, before, strict=True):
            variable.assign(ops.where(finite, variable.value, value))
        self.num_skipped.assign_add(ops.cast(ops.logical_not(finite), "int32"))

    def _adapt_scale(self, finite: Any) -> None:
        num_finite = ops.where(finite, self.num_finite.value + 1, 0)
        scale = self.loss_scale_factor.value
        grown = ops.where(num_finite == GROWTH_STEPS, scale * 2, scale)
        self.loss_scale_factor.assign(ops.where(finite, grown, ops.maximum(scale / 2, 1.0)))
        self.num_finite.assign(num_finite % GROWTH_STEPS)


def learning_rate(schedule: Schedule, num_updates: int, progress: float) -> float:
    """Return the learning rate: linear warm-up, constant, linear decay to 0 at the end.

    A run whose number of epochs was changed continues with the rate of a run of the new length: if
    its rate had decayed to 0, it rises at once and falls to 0 over the additional epochs.

    Args:
        schedule: Highest rate, warm-up and decay.
        progress: Fraction of all epochs that is done, 0..1.

    >>> schedule = Schedule(learning_rate=1.0, warmup_steps=4, decay=0.5)
    >>> [learning_rate(schedule, 0, 0.0), learning_rate(schedule, 9, 0.5)]
    [0.25, 1.0]
    >>> learning_rate(schedule, 14, 0.75)
    0.5
    """
    steps = (num_updates + 1) / max(1, schedule.warmup_steps)
    warm = min(1.0, max(steps, progress / LONGEST_WARMUP))
    decay = schedule.decay
    decayed = 1.0 if progress <= decay else (1 - progress) / (1 - decay)
    return schedule.learning_rate * warm * decayed
