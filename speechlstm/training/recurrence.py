"""The LSTM recurrence on the CPU: what remains of a layer once its large products are taken out.

A step multiplies a few rows by the recurrent kernel and applies the gates. TensorFlow's operators
take several times longer for a product of that size than BLAS does, and a loop of operators copies
what NumPy updates in place. The gates' equations are those of Keras' ``LSTM`` (order i, f, g, o):

    i, f, o = sigmoid(.), g = tanh(.), c_t = f * c_prev + i * g, h_t = o * tanh(c_t)

Each direction of each slice of the batch is independent, so they run on threads of their own.
"""

import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Array = NDArray[np.float32]
Steps = Iterator[tuple[int, NDArray[np.bool_] | None]]

_MIN_ROWS = 8  # a product of fewer rows is no faster for being shared among threads


def forward(projected: Array, recurrent: Array, lengths: NDArray[np.int32]) -> tuple[Array, ...]:
    """Run the recurrence over a batch.

    Args:
        projected: (directions, num_steps, batch, 4 * num_units), input times kernel plus bias.
        recurrent: (directions, num_units, 4 * num_units), the recurrent kernels.
        lengths: (batch,), true steps; the second direction starts at each utterance's own end.

    Returns:
        Outputs and cells, (directions, num_steps, batch, num_units), and gates after their
        activations, shaped as projected. What they hold beyond an utterance's length is finite but
        has no meaning.
    """
    scale = np.repeat(_SCALE, recurrent.shape[1])
    gates = projected * scale
    recurrent = recurrent * scale
    cells = np.empty((*gates.shape[:3], recurrent.shape[1]), np.float32)
    outputs = np.empty_like(cells)

    def run(rows: slice, direction: int) -> None:
        part = np.s_[direction, :, rows]
        steps = _steps(gates.shape[1], lengths[rows], direction)
        _forward(gates[part], cells[part], outputs[part], recurrent[direction], steps)

    _in_parallel(run, gates.shape[2], gates.shape[0])
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
        part = np.s_[direction, :, rows]
        steps = _steps(gates.shape[1], lengths[rows], direction)
        transposed = np.ascontiguousarray(recurrent[direction].T)
        _backward(d_outputs[part], gates[part], cells[part], d_gates[part], transposed, steps)

    _in_parallel(run, gates.shape[2], gates.shape[0])
    return d_gates


# sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one vectorised tanh serves all four gates.
_SCALE = np.array([0.5, 0.5, 1.0, 0.5], np.float32)
_SHIFT = np.array([0.5, 0.5, 0.0, 0.5], np.float32)
# The activations' derivatives: a - a * a for a sigmoid, 1 - a * a for tanh.
_SLOPE = np.array([[1.0], [1.0], [0.0], [1.0]], np.float32)
_OFFSET = 1 - _SLOPE


def _forward(gates: Array, cells: Array, outputs: Array, recurrent: Array, steps: Steps) -> None:
    """One direction of some rows; gates hold the scaled projections and are activated in place."""
    _, batch, num_units = cells.shape
    scale, shift = np.repeat(_SCALE, num_units), np.repeat(_SHIFT, num_units)
    hidden, cell, candidate = np.zeros((3, batch, num_units), np.float32)
    product = np.empty((batch, 4 * num_units), np.float32)
    for step, ended in steps:
        gate = gates[step]
        np.matmul(hidden, recurrent, out=product)
        np.add(gate, product, out=product)
        np.tanh(product, out=product)
        np.multiply(product, scale, out=product)
        np.add(product, shift, out=gate)
        np.multiply(gate[:, num_units : 2 * num_units], cell, out=cells[step])
        np.multiply(gate[:, :num_units], gate[:, 2 * num_units : 3 * num_units], out=candidate)
        cell = cells[step]
        np.add(cell, candidate, out=cell)
        if ended is not None:
            cell[ended] = 0
        hidden = np.tanh(cell, out=outputs[step])
        np.multiply(hidden, gate[:, 3 * num_units :], out=hidden)


def _backward(
    d_outputs: Array, gates: Array, cells: Array, d_gates: Array, transposed: Array, steps: Steps
) -> None:
    """The gradient of one direction of some rows: the steps of _forward, last first."""
    num_steps, batch, num_units = cells.shape
    shape = (num_steps, batch, 4, num_units)
    by_gate, d_by_gate = gates.reshape(shape), d_gates.reshape(shape)
    d_hidden, d_cell, tanh_cell, start = np.zeros((4, batch, num_units), np.float32)
    derivative, square = np.empty((2, batch, 4, num_units), np.float32)
    order = list(steps)
    before = [start, *(cells[step] for step, _ in order[:-1])]
    for (step, ended), cell_before in zip(reversed(order), reversed(before), strict=True):
        gate, d_gate = by_gate[step], d_by_gate[step]
        np.add(d_hidden, d_outputs[step], out=d_hidden)
        if ended is not None:
            d_hidden[ended] = 0
            d_cell[ended] = 0
        np.tanh(cells[step], out=tanh_cell)
        np.multiply(d_hidden, tanh_cell, out=d_gate[:, 3])
        # d_cell += d_hidden * o * (1 - tanh(c)^2)
        np.multiply(d_hidden, gate[:, 3], out=d_hidden)
        np.add(d_cell, d_hidden, out=d_cell)
        np.multiply(tanh_cell, tanh_cell, out=tanh_cell)
        np.multiply(d_hidden, tanh_cell, out=d_hidden)
        np.subtract(d_cell, d_hidden, out=d_cell)
        np.multiply(d_cell[:, None], gate[:, 2::-2], out=d_gate[:, 0:3:2])  # i by g, g by i
        np.multiply(d_cell, cell_before, out=d_gate[:, 1])
        np.multiply(gate, gate, out=square)
        np.multiply(gate, _SLOPE, out=derivative)
        np.add(derivative, _OFFSET, out=derivative)
        np.subtract(derivative, square, out=derivative)
        np.multiply(derivative, d_gate, out=derivative)
        d_gate[...] = derivative
        np.multiply(d_cell, gate[:, 1], out=d_cell)
        np.matmul(derivative.reshape(batch, -1), transposed, out=d_hidden)


def _steps(num_steps: int, lengths: NDArray[np.int32], direction: int) -> Steps:
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
def _num_threads() -> int:
    """The processors this process may use, where the system can tell (macOS cannot)."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_num_threads(), thread_name_prefix="recurrence")


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _in_parallel(run: Callable[[slice, int], None], batch: int, directions: int) -> None:
    num_slices = max(1, min(_num_threads() // directions, batch // _MIN_ROWS))
    bounds = [batch * k // num_slices for k in range(num_slices + 1)]
    rows = [slice(start, end) for start, end in pairwise(bounds)]
    # BLAS must not spread a product this small over threads of its own.
    with _blas().limit(limits=1, user_api="blas"):
        tasks = [_pool().submit(run, r, d) for r in rows for d in range(directions)]
        for task in tasks:
            task.result()
