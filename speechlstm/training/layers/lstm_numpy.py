"""The LSTM recurrence on the CPU: what remains of a layer once its large products are taken out.

A step multiplies a few rows by the recurrent kernel and applies the gates. TensorFlow's operators
take several times longer for a product of that size than BLAS does, and a loop of operators copies
what NumPy updates in place. The gates' equations are those of Keras' ``LSTM`` (order i, f, g, o):

    i, f, o = sigmoid(.), g = tanh(.), c_t = f * c_prev + i * g, h_t = o * tanh(c_t)

Each direction of each slice of the batch is independent, so they run on threads of their own.
"""

import math
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
_MAX_PRODUCT = 100**3  # multiplications up to which OpenBLAS leaves both matrices where they lie
_MIN_COLUMNS = 16  # those of a register


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
    gates = _aligned(projected.shape)
    cells, outputs = (_aligned((*gates.shape[:3], recurrent.shape[1])) for _ in range(2))

    def run(rows: slice, direction: int) -> None:
        part = np.s_[direction, :, rows]
        steps = _steps(gates.shape[1], lengths[rows], direction)
        _forward(
            projected[part], gates[part], cells[part], outputs[part], recurrent[direction], steps
        )

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
    d_gates = _aligned(gates.shape)

    def run(rows: slice, direction: int) -> None:
        part = np.s_[direction, :, rows]
        steps = _steps(gates.shape[1], lengths[rows], direction)
        _backward(
            d_outputs[part], gates[part], cells[part], d_gates[part], recurrent[direction], steps
        )

    _in_parallel(run, gates.shape[2], gates.shape[0])
    return d_gates


# sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: one vectorised tanh serves all four gates. Of an activation
# a = scale * tanh(scale * x) + shift the derivative is scale^2 - (a - shift)^2.
_SCALE = np.array([0.5, 0.5, 1.0, 0.5], np.float32)
_SHIFT = np.array([0.5, 0.5, 0.0, 0.5], np.float32)


def _forward(
    projected: Array, gates: Array, cells: Array, outputs: Array, recurrent: Array, steps: Steps
) -> None:
    """One direction of some rows."""
    _, batch, num_units = cells.shape
    scale, shift = np.repeat(_SCALE, num_units), np.repeat(_SHIFT, num_units)
    hidden, cell, candidate = np.zeros((3, batch, num_units), np.float32)
    total = np.empty((batch, 4 * num_units), np.float32)
    multiply = _product(recurrent, total)
    for step, ended in steps:
        gate = gates[step]
        multiply(hidden)
        np.add(total, projected[step], out=total)
        np.multiply(total, scale, out=total)
        np.tanh(total, out=total)
        np.multiply(total, scale, out=total)
        np.add(total, shift, out=gate)
        np.multiply(gate[:, num_units : 2 * num_units], cell, out=cells[step])
        np.multiply(gate[:, :num_units], gate[:, 2 * num_units : 3 * num_units], out=candidate)
        cell = cells[step]
        np.add(cell, candidate, out=cell)
        if ended is not None:
            cell[ended] = 0
        hidden = np.tanh(cell, out=outputs[step])
        np.multiply(hidden, gate[:, 3 * num_units :], out=hidden)


def _backward(
    d_outputs: Array, gates: Array, cells: Array, d_gates: Array, recurrent: Array, steps: Steps
) -> None:
    """The gradient of one direction of some rows: the steps of _forward, last first."""
    _, batch, num_units = cells.shape
    square, shift = np.repeat(_SCALE**2, num_units), np.repeat(_SHIFT, num_units)
    d_hidden, d_cell, tanh_cell, start = np.zeros((4, batch, num_units), np.float32)
    slope, d_activation = np.empty((2, batch, 4 * num_units), np.float32)
    by_gate = d_activation.reshape(batch, 4, num_units)
    multiply = _product(recurrent.T, d_hidden)
    order = list(steps)
    before = [start, *(cells[step] for step, _ in order[:-1])]
    for (step, ended), cell_before in zip(reversed(order), reversed(before), strict=True):
        gate = gates[step].reshape(batch, 4, num_units)
        np.add(d_hidden, d_outputs[step], out=d_hidden)
        if ended is not None:
            d_hidden[ended] = 0
            d_cell[ended] = 0
        np.tanh(cells[step], out=tanh_cell)
        np.multiply(d_hidden, tanh_cell, out=by_gate[:, 3])
        # d_cell += d_hidden * o * (1 - tanh(c)^2)
        np.multiply(d_hidden, gate[:, 3], out=d_hidden)
        np.add(d_cell, d_hidden, out=d_cell)
        np.multiply(tanh_cell, tanh_cell, out=tanh_cell)
        np.multiply(d_hidden, tanh_cell, out=d_hidden)
        np.subtract(d_cell, d_hidden, out=d_cell)
        np.multiply(d_cell[:, None], gate[:, 2::-2], out=by_gate[:, 0:3:2])  # i by g, g by i
        np.multiply(d_cell, cell_before, out=by_gate[:, 1])
        np.subtract(gates[step], shift, out=slope)
        np.multiply(slope, slope, out=slope)
        np.subtract(square, slope, out=slope)
        np.multiply(slope, d_activation, out=d_gates[step])
        np.multiply(d_cell, gate[:, 1], out=d_cell)
        multiply(d_gates[step])


def _product(matrix: Array, out: Array) -> Callable[[Array], object]:
    """What multiplies rows by a matrix, into out.

    It does so by blocks of columns, small enough that OpenBLAS multiplies them where they lie;
    larger matrices it copies into an order of its own first, which for a few rows takes as long as
    the product.
    """
    inner, columns = matrix.shape
    fitting = (
        n
        for n in range(1, columns // _MIN_COLUMNS + 1)
        if columns % n == 0 and len(out) * inner * columns <= _MAX_PRODUCT * n
    )
    num_blocks = next(fitting, 1)
    blocks = matrix.reshape(inner, num_blocks, -1).transpose(1, 0, 2).copy()
    out = out.reshape(len(out), num_blocks, -1).transpose(1, 0, 2)
    return lambda rows: np.matmul(rows, blocks, out=out)


def _aligned(shape: tuple[int, ...]) -> Array:
    """An empty array that TensorFlow takes over without a copy."""
    raw = np.empty(4 * math.prod(shape) + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + 4 * math.prod(shape)].view(np.float32).reshape(shape)


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
