"""Adam that a gradient which is not finite cannot harm."""

from typing import Any

import keras
from keras import ops


class GuardedAdamW(keras.optimizers.AdamW):
    """AdamW (Loshchilov and Hutter, 2019) that skips a step whose gradient is not finite.

    Such a step leaves weights and moments as they were; `num_skipped` counts it.
    """

    def build(self, variables: list[Any]) -> None:
        """Create the moments and the counter."""
        super().build(variables)
        self.num_skipped = self.add_variable((), "zeros", "int32", name="num_skipped")

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> Any:
        """Update the variables, unless the gradients hold a number that is not finite."""
        finite = ops.isfinite(sum(ops.sum(ops.square(grad)) for grad in grads))
        if keras.backend.backend() == "torch" and finite:  # no graph: the number is known here
            return super().apply(grads, trainable_variables)
        guarded = [*self.variables, *(trainable_variables or self._trainable_variables)]
        before = [ops.copy(variable) for variable in guarded]
        iterations = super().apply(grads, trainable_variables)
        for variable, value in zip(guarded, before, strict=True):
            variable.assign(ops.where(finite, variable.value, value))
        self.num_skipped.assign_add(ops.cast(ops.logical_not(finite), "int32"))
        return iterations
