"""Adam that a gradient which is not finite cannot harm."""

from typing import Any

import keras
from keras import ops

LOSS_SCALE = 2.0**15  # to start from: whatever is too high is halved at once
GROWTH_STEPS = 2000  # without an overflow, after which a higher scale is tried


class GuardedAdamW(keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter, 2019) that skips a step whose gradient is not finite.

    Such a step leaves weights and moments as they were; `num_skipped` counts it.

    With `loss_scale_factor`, for gradients that pass through float16, the loss is multiplied by it
    and the gradient divided, lest small gradients become 0. It is halved, down to 1, by each step
    that is skipped and doubled after GROWTH_STEPS others in succession (Micikevicius et al., Mixed
    precision training, 2018). Keras' LossScaleOptimizer would not count what it skips.
    """

    weight_decay: float | None
    loss_scale_factor: Any  # Keras' argument: a number, from build on a variable

    def build(self, variables: list[Any]) -> None:
        """Create the moments, the counter and, where there is a scale, what it depends on."""
        super().build(variables)
        self.weight_decay = self.weight_decay or None  # Keras would take 0 off all weights
        self.num_skipped = self.add_variable((), "zeros", "int32", name="num_skipped")
        if self.loss_scale_factor is not None:
            start = keras.initializers.Constant(self.loss_scale_factor)
            self.loss_scale_factor = self.add_variable((), start, "float32", name="loss_scale")
            self.num_finite = self.add_variable((), "zeros", "int32", name="num_finite")

    @property
    def loss_scale(self) -> float:
        """By what the next loss is multiplied."""
        return 1.0 if self.loss_scale_factor is None else float(self.loss_scale_factor)

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> None:
        """Update the variables, unless the gradients hold a number that is not finite."""
        finite = ops.isfinite(sum(ops.sum(ops.square(grad)) for grad in grads))
        if keras.backend.backend() == "torch" and finite:  # no graph: the number is known here
            super().apply(grads, trainable_variables)
        else:
            self._apply_if(finite, grads, trainable_variables)
        if self.loss_scale_factor is not None:
            self._adapt_scale(finite)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Adam's step of one variable."""
        if keras.backend.backend() == "torch":
            index = self._get_variable_index(variable)
            moments = self._momentums[index].value, self._velocities[index].value
            _fused_step(self, gradient, variable.value, moments, learning_rate)
        else:
            super().update_step(gradient, variable, learning_rate)

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


def _fused_step(
    optimizer: GuardedAdamW, gradient: Any, value: Any, moments: tuple[Any, Any], rate: Any
) -> None:
    """Adam's step in one pass through memory, where Keras' operators make a dozen.

    For large embeddings these take longer than all the rest of an update.
    """
    import torch

    with torch.no_grad():
        torch._fused_adam_(
            [value],
            [gradient],
            [moments[0]],
            [moments[1]],
            [],
            [(optimizer.iterations.value + 1).float()],
            lr=float(rate),
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            weight_decay=0.0,
            eps=optimizer.epsilon,
            amsgrad=False,
            maximize=False,
        )
