"""The LSTM recurrence on the CPU: what remains of a layer once its large products are taken out.

A step multiplies a few rows by the recurrent kernel and applies the gates. TensorFlow's operators
take several times longer for a product of that size than BLAS does, and a loop of operators copies
what NumPy updates in place. The gates' equations are those of Keras' ``LSTM`` (order i, f, g, o):

    i, f, o = sigmoid(.), g = tanh(.), c_t = f * c_prev + i * g, h_t = o * tanh(c_t)

Each direction of each slice of the batch is independent, so they run on threads of their own.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Array = NDArray[np.float32]

_MIN_ROWS = 8  # a product of fewer rows is no faster for being shared among threads


def forward(projected: Array, recurrent: Array, lengths: NDArray[np.int32]) -> tuple[Array, ...]:
    """Run the recurrence over a batch.

    Args:
        projected: (num_steps, batch, directions, 4 * num_units), input times kernel plus bias.
        recurrent: (directions, num_units, 4 * num_units), the recurrent kernels.
        lengths: (batch,), true steps; the second direction starts at each utterance's own end.

    Returns:
        Outputs and cells, (num_steps, batch, directions, num_units), and gates after their
        activations, shaped as projected. What they hold beyond an utterance's length is finite but
        has no meaning.
    """
    gates = np.array(projected)
    cells = np.empty((*gates.shape[:3], recurrent.shape[1]), np.float32)
    outputs = np.empty_like(cells)

    def run(rows: slice, direction: int) -> None:
        part = np.s_[:, rows, direction]
        _forward(
            gates[part], cells[part], outputs[part], recurrent[direction], lengths[rows], direction
        )

    _in_parallel(run, gates.shape[1], gates.shape[2])
    return outputs, gates, cells


def backward(
    d_outputs: Array, gates: Array, cells: Array, recurrent: Array, lengths: NDArray[np.int32]
) -> Array:
    """Run the recurrence's gradient.

    Args:
        d_outputs: Gradient of the outputs; 0 beyond an utterance's length.
        gates: As returned by forward.
        cells: As returned by forward.
        recurrent: As given to forward.
        lengths: As given to forward.

    Returns:
        Gradient of projected.
    """
    d_gates = np.empty_like(gates)

    def run(rows: slice, direction: int) -> None:
        part = np.s_[:, rows, direction]
        _backward(
            d_outputs[part], gates[part], cells[part], d_gates[part], recurrent[direction],
            lengths[rows], direction,
        )  # fmt: skip

    _in_parallel(run, gates.shape[1], gates.shape[2])
    return d_gates


def _forward(
    gates: Array, cells: Array, outputs: Array, recurrent: Array, lengths: NDArray[np.int32],
    direction: int,
) -> None:  # fmt: skip
    num_steps, batch, num_units = cells.shape
    hidden, cell = np.zeros((2, batch, num_units), np.float32)
    product = np.empty((batch, 4 * num_units), np.float32)
    # sigmoid(x) = (1 + tanh(x / 2)) / 2: one vectorised tanh serves all four gates.
    scale = np.repeat(np.array([0.5, 0.5, 1.0, 0.5], np.float32), num_units)
    shift = np.repeat(np.array([0.5, 0.5, 0.0, 0.5], np.float32), num_units)
    for step, ended in _steps(num_steps, lengths, direction):
        gate = gates[step]
        np.matmul(hidden, recurrent, out=product)
        gate += product
        gate *= scale
        np.tanh(gate, out=gate)
        gate *= scale
        gate += shift
        i, f, g, o = np.split(gate, 4, axis=1)
        np.multiply(f, cell, out=cells[step])
        cell = cells[step]
        cell += i * g
        if ended is not None:
            cell[ended] = 0
        hidden = np.tanh(cell, out=outputs[step])
        hidden *= o


def _backward(
    d_outputs: Array, gates: Array, cells: Array, d_gates: Array, recurrent: Array,
    lengths: NDArray[np.int32], direction: int,
) -> None:  # fmt: skip
    num_steps, batch, num_units = cells.shape
    d_hidden, d_cell = np.zeros((2, batch, num_units), np.float32)
    transposed = np.ascontiguousarray(recurrent.T)
    start = np.zeros((batch, num_units), np.float32)
    steps = list(_steps(num_steps, lengths, direction))
    previous = [cells[step] for step, _ in steps[:-1]]
    for (step, ended), cell_before in zip(
        reversed(steps), reversed([start, *previous]), strict=True
    ):
        i, f, g, o = np.split(gates[step], 4, axis=1)
        d_i, d_f, d_g, d_o = np.split(d_gates[step], 4, axis=1)
        d_hidden += d_outputs[step]
        if ended is not None:
            d_hidden[ended] = 0
            d_cell[ended] = 0
        tanh_cell = np.tanh(cells[step])
        np.multiply(d_hidden, tanh_cell, out=d_o)
        _through_sigmoid(d_o, o)
        d_hidden *= o
        tanh_cell *= tanh_cell
        d_cell += d_hidden
        d_hidden *= tanh_cell
        d_cell -= d_hidden  # d_cell + d_hidden * o * (1 - tanh(c)^2)
        np.multiply(d_cell, g, out=d_i)
        _through_sigmoid(d_i, i)
        np.multiply(d_cell, cell_before, out=d_f)
        _through_sigmoid(d_f, f)
        np.multiply(g, g, out=d_g)
        np.subtract(1, d_g, out=d_g)
        d_g *= i
        d_g *= d_cell
        d_cell *= f
        np.matmul(d_gates[step], transposed, out=d_hidden)


def _through_sigmoid(gradient: Array, activation: Array) -> None:
    """Multiply a gradient in place by the derivative a * (1 - a) = a - a * a."""
    derivative = activation * activation
    np.subtract(activation, derivative, out=derivative)
    gradient *= derivative


def _steps(
    num_steps: int, lengths: NDArray[np.int32], direction: int
) -> Iterator[tuple[int, NDArray[np.bool_] | None]]:
    """The steps in the order of a direction, each with the rows that have no such step.

    Forwards, what a row computes beyond its end reaches no true step, so no row needs care.
    Backwards, the state must stay 0 until the row's own last step.
    """
    if direction == 0:
        yield from ((step, None) for step in range(num_steps))
        return
    shortest = lengths.min(initial=num_steps)
    for step in reversed(range(num_steps)):
        yield step, (step >= lengths if step >= shortest else None)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="recurrence")


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _in_parallel(run: Callable[[slice, int], None], batch: int, directions: int) -> None:
    num_threads = len(os.sched_getaffinity(0))
    num_slices = max(1, min(num_threads // directions, batch // _MIN_ROWS))
    bounds = [batch * k // num_slices for k in range(num_slices + 1)]
    rows = [slice(start, end) for start, end in pairwise(bounds)]
    # BLAS must not spread a product this small over threads of its own.
    with _blas().limit(limits=1, user_api="blas"):
        tasks = [_pool().submit(run, r, d) for r in rows for d in range(directions)]
        for task in tasks:
            task.result()
