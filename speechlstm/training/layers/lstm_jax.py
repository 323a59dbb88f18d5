"""The LSTM layer on jax: XLA compiles a scan that contains only the recurrence."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp


def lstm(inputs: Any, num_steps: Any, cells: list[Any], precision: str) -> Any:
    """Run a layer; see `RecurrentLayer`.

    Args:
        inputs: (batch, max_steps, width).
        num_steps: (batch,) int32, number of steps of each sequence.
        cells: Keras' cells with the weights, one for each direction.
        precision: Precision of the large matrix products, which are summed in float32.

    Returns:
        (batch, max_steps, num_units * directions); undefined after the end of a sequence.
    """
    rows = jnp.swapaxes(inputs, 0, 1)  # (max_steps, batch, width)
    true = jnp.arange(len(rows))[:, None, None] < num_steps[:, None]
    outputs = []
    for backwards, cell in enumerate(cells):
        kernel, recurrent, bias = (
            jnp.asarray(weight.value) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
        )
        projected = _product("tbi,ig->tbg", rows, kernel, precision) + bias
        outputs.append(_recurrence(projected, recurrent, true, bool(backwards), precision))
    return jnp.swapaxes(jnp.concatenate(outputs, axis=2), 0, 1)


def _product(equation: str, left: Any, right: Any, precision: str) -> Any:
    left, right = left.astype(precision), right.astype(precision)
    return jnp.einsum(equation, left, right, preferred_element_type=jnp.float32)


def _scan(projected: Any, recurrent: Any, true: Any, backwards: bool) -> Any:
    """Outputs (max_steps, batch, num_units) of projected (max_steps, batch, 4 * num_units)."""

    def step(state: tuple[Any, Any], given: tuple[Any, Any]) -> tuple[tuple[Any, Any], Any]:
        (hidden, cell), (projected, true) = state, given
        i, f, g, o = jnp.split(projected + hidden @ recurrent, 4, axis=1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        cell = jnp.where(true, cell, 0.0)  # backwards, the state is 0 up to the last true step
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    start = jnp.zeros((projected.shape[1], len(recurrent)))
    return jax.lax.scan(step, (start, start), (projected, true), reverse=backwards)[1]


@partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _recurrence(projected: Any, recurrent: Any, true: Any, backwards: bool, precision: str) -> Any:
    """The scan, with a gradient of `recurrent` in one large product instead of one a step."""
    return _scan(projected, recurrent, true, backwards)


def _recurrence_forward(
    projected: Any, recurrent: Any, true: Any, backwards: bool, precision: str
) -> tuple[Any, tuple[Any, ...]]:
    outputs, gradient = jax.vjp(lambda p: _scan(p, recurrent, true, backwards), projected)
    return outputs, (outputs, gradient)


def _recurrence_backward(
    backwards: bool, precision: str, saved: tuple[Any, ...], d_outputs: Any
) -> tuple[Any, Any, None]:
    outputs, gradient = saved
    (d_projected,) = gradient(d_outputs)
    start = jnp.zeros_like(outputs[:1])
    before = [outputs[1:], start] if backwards else [start, outputs[:-1]]
    # Steps and batch stay separate axes: merged, each device would need the batch of all others.
    d_recurrent = _product("tbh,tbg->hg", jnp.concatenate(before), d_projected, precision)
    return d_projected, d_recurrent, None


_recurrence.defvjp(_recurrence_forward, _recurrence_backward)
