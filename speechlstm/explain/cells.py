"""Recurrent cells in NumPy, step by step, with their gates: Keras' equations.

lstm (gates i, f, g, o): c = f * c + i * g, h = o * tanh(c)
gru (z, r, g):           h = z * h + (1 - z) * g, g = tanh(x + r * (h R + b))
rnn:                     h = tanh(x + h R)
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.tflite.weights import CellWeights

Array = NDArray[np.float32]


@dataclass(frozen=True)
class DirectionActivity:
    """What one direction of a recurrent layer did with an utterance.

    Attributes:
        gates: By name, (num_steps, num_units) each, in 0..1. An LSTM has input, forget and output;
            a GRU update and reset; a simple recurrent layer has none.
        memory: (num_steps, num_units), what is kept from step to step: the cell state of an LSTM,
            otherwise the output.
        outputs: (num_steps, num_units).
        kept: The name of the gate that multiplies the memory from one step to the next; None: no
            gate does.
    """

    gates: dict[str, Array]
    memory: Array
    outputs: Array
    kept: str | None

    @property
    def half_lives(self) -> Array | None:
        """The steps in which a unit's memory falls to a half, (num_units,); None: no gate.

        They are those of a constant gate with the geometric mean of the unit's.
        """
        if self.kept is None:
            return None
        mean = np.log(np.maximum(self.gates[self.kept], 1e-9)).mean(axis=0, dtype=np.float64)
        return np.asarray(np.log(0.5) / np.minimum(mean, -1e-9), np.float32)


def run_direction(
    cell: str, weights: CellWeights, inputs: Array, *, is_backward: bool
) -> DirectionActivity:
    """Run one direction of a recurrent layer.

    Args:
        cell: "lstm", "gru" or "rnn".
        inputs: (num_steps, width).
        is_backward: Whether it starts at the last step.

    Returns:
        Its activity, in the order of the inputs.
    """
    order = slice(None, None, -1) if is_backward else slice(None)
    activity = _CELLS[cell](weights, inputs[order])
    gates = {name: values[order] for name, values in activity.gates.items()}
    return DirectionActivity(gates, activity.memory[order], activity.outputs[order], activity.kept)


def _lstm(weights: CellWeights, inputs: Array) -> DirectionActivity:
    projected = inputs @ weights.kernel + weights.bias
    num_steps, num_units = len(inputs), len(weights.recurrent)
    gates = np.empty((num_steps, 4, num_units), np.float32)
    cells, outputs = np.empty((2, num_steps, num_units), np.float32)
    h, c = np.zeros((2, num_units), np.float32)
    recurrent = np.ascontiguousarray(weights.recurrent)
    for step in range(num_steps):
        total = (projected[step] + h @ recurrent).reshape(4, num_units)
        gate = gates[step]
        gate[:] = _sigmoid(total)
        gate[2] = np.tanh(total[2])
        c = gate[1] * c + gate[0] * gate[2]
        h = gate[3] * np.tanh(c)
        cells[step], outputs[step] = c, h
    named = {"input": gates[:, 0], "forget": gates[:, 1], "output": gates[:, 3]}
    return DirectionActivity(named, cells, outputs, "forget")


def _gru(weights: CellWeights, inputs: Array) -> DirectionActivity:
    projected = inputs @ weights.kernel + weights.bias[0]
    num_steps, num_units = len(inputs), len(weights.recurrent)
    gates = np.empty((num_steps, 2, num_units), np.float32)
    outputs = np.empty((num_steps, num_units), np.float32)
    h = np.zeros(num_units, np.float32)
    recurrent = np.ascontiguousarray(weights.recurrent)
    for step in range(num_steps):
        x = projected[step].reshape(3, num_units)
        product = (h @ recurrent + weights.bias[1]).reshape(3, num_units)
        update, reset = gates[step] = _sigmoid(x[:2] + product[:2])
        h = update * h + (1 - update) * np.tanh(x[2] + reset * product[2])
        outputs[step] = h
    named = {"update": gates[:, 0], "reset": gates[:, 1]}
    return DirectionActivity(named, outputs, outputs, "update")


def _rnn(weights: CellWeights, inputs: Array) -> DirectionActivity:
    projected = inputs @ weights.kernel + weights.bias
    outputs = np.empty_like(projected)
    h = np.zeros(len(weights.recurrent), np.float32)
    recurrent = np.ascontiguousarray(weights.recurrent)
    for step, x in enumerate(projected):
        h = outputs[step] = np.tanh(x + h @ recurrent)
    return DirectionActivity({}, outputs, outputs, None)


def _sigmoid(x: Array) -> Array:
    # Unlike exp, tanh does not overflow.
    return np.asarray((1 + np.tanh(x / 2)) / 2, np.float32)


_CELLS: dict[str, Callable[[CellWeights, Array], DirectionActivity]] = {
    "lstm": _lstm,
    "gru": _gru,
    "rnn": _rnn,
}
