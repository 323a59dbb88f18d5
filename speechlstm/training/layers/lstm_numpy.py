"""The LSTM recurrence on the CPU in NumPy, without the large matrix products of the layer.

Each step multiplies a few rows by the recurrent kernel and applies the gates. For products of this
size TensorFlow's operators are several times slower than BLAS, and a loop of operators copies
arrays that NumPy updates in place. The equations are those of Keras' ``LSTM`` (gates i, f, g, o):

    i, f, o = sigmoid(.), g = tanh(.), c_t = f * c_prev + i * g, h_t = o * tanh(c_t)

The directions, and slices of the batch, are independent and run in parallel threads.
"""

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from speechlstm.parallel import num_usable_cores

Array = NDArray[np.float32]
Steps = Iterator[tuple[int, NDArray[np.bool_] | None]]

_MIN_ROWS = 8  # rows of a slice: splitting a product of fewer rows makes it no faster
_MAX_PRODUCT = 100**3  # multiplications up to which OpenBLAS does not copy the matrices
_MIN_COLUMNS = 16  # columns of a block: the size of a vector register


def forward(projected: Array, recurrent: Array, lengths: NDArray[np.int32]) -> tuple[Array, ...]:
    """Run the recurrence over a batch.

    Args:
        projected: (directions, num_steps, batch, 4 * num_units), inputs times kernel plus bias.
        recurrent: (directions, num_units, 4 * num_units), the recurrent kernels.
        lengths: (batch,), number of steps of each sequence; the second direction starts at the end
            of each sequence.

    Returns:
        outputs: (directions, num_steps, batch, num_units).
        gates: (directions, num_steps, batch, 4 * num_units), after their activations.
        cells: (directions, num_steps, batch, num_units).
        Values after the end of a sequence are finite but undefined.
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
    """Compute the gradient of the recurrence.

    Args:
        d_outputs: Gradient of the outputs; 0 after the end of a sequence.
        gates, cells: As `forward` returned them.
        recurrent, lengths: As `forward` got them.

    Returns:
        Gradient of `projected`, of its shape.
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


# sigmoid(x) = tanh(x / 2) / 2 + 1 / 2: a single vectorized tanh computes all four gates. The
# derivative of an activation a = scale * tanh(scale * x) + shift is scale^2 - (a - shift)^2.
_SCALE = np.array([0.5, 0.5, 1.0, 0.5], np.float32)
_SHIFT = np.array([0.5, 0.5, 0.0, 0.5], np.float32)


def _forward(
    projected: Array, gates: Array, cells: Array, outputs: Array, recurrent: Array, steps: Steps
) -> None:
    """Run one direction of a slice of the batch."""
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
    """Compute the gradient of one direction of a slice: the steps of _forward in reverse order."""
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
    """Return a function that multiplies rows by a matrix and writes the result to `out`.

    The matrix is split into blocks of columns that are small enough for OpenBLAS to multiply them
    in place. It copies larger matrices into another memory layout first, which for a few rows takes
    as long as the product.
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
    """An uninitialized array whose alignment lets TensorFlow use it without a copy."""
    raw = np.empty(4 * math.prod(shape) + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + 4 * math.prod(shape)].view(np.float32).reshape(shape)


def _steps(num_steps: int, lengths: NDArray[np.int32], direction: int) -> Steps:
    """Yield the steps in the order of a direction, each with a mask of the rows that have ended.

    Forwards, values after the end of a row influence no earlier step, so there is no mask.
    Backwards, the state of a row must be 0 until its last step.
    """
    if direction == 0:
        yield from ((step, None) for step in range(num_steps))
        return
    shortest = lengths.min(initial=num_steps)
    for step in reversed(range(num_steps)):
        yield step, (step >= lengths if step >= shortest else None)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_usable_cores(), thread_name_prefix="recurrence")


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _in_parallel(run: Callable[[slice, int], None], batch: int, directions: int) -> None:
    num_slices = max(1, min(num_usable_cores() // directions, batch // _MIN_ROWS))
    bounds = [batch * k // num_slices for k in range(num_slices + 1)]
    rows = [slice(start, end) for start, end in pairwise(bounds)]
    # These products are too small for BLAS to split them among threads.
    with _blas().limit(limits=1, user_api="blas"):
        tasks = [_pool().submit(run, r, d) for r in rows for d in range(directions)]
        for task in tasks:
            task.result()
