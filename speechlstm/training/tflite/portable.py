"""Recurrent layers as loops that every LiteRT runtime runs.

The fused LSTM operator keeps its state in variable tensors. LiteRT.js and the `CompiledModel` of
Android, Swift, C and Python refuse these ("Variable tensors not yet supported"). Here the state is
a variable of a loop, so nothing remains after a run.

A loop copies its variables in each turn, and a turn costs some 30 operators. Three things make it
as fast as the fused operator:

- The outer loop takes a chunk of steps and projects it at once; what the inner loop copies is one
  chunk, whatever the length of the recording. A single loop would take quadratic time.
- A turn of the inner loop computes several steps.
- Each gate has a kernel of its own, as the fused operator has: four gates in one 8-bit kernel share
  a scale, which multiplied the error of the probabilities by 2.5.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

CHUNK_STEPS = 32  # steps of a turn of the outer loop
_TURN_STEPS = 4  # steps of a turn of the inner loop
_LARGE = 1e9  # a gate with this input is open, with its negative closed: exactly 1 and 0


@dataclass(frozen=True)
class Cell:
    """One direction of a recurrent layer.

    Attributes:
        kernels: The kernel of each gate, (width, num_units).
        biases: The bias of each gate, (num_units,), which is added outside of the inner loop.
        step: From the projected inputs of each gate, (1, num_units), and the states before a step,
            (1, num_units) each, to the states after it; the first one is the output.
        idle: Projected inputs of each gate with which states that are 0 stay 0.
    """

    kernels: Sequence[NDArray[np.float32]]
    biases: Sequence[NDArray[np.float32]]
    step: Callable[[Sequence[Any], Sequence[Any]], Sequence[Any]]
    num_states: int
    idle: Sequence[float]


def portable_direction(layer: Any) -> Callable[[Any, Any], Any]:
    """Return a function that computes one direction of a recurrent layer in loops.

    Args:
        layer: Keras' LSTM, GRU or SimpleRNN.

    Returns:
        A function from (1, num_steps, width) to (1, num_steps, num_units). Its second argument is
        None, or marks the steps that are not padding: (num_steps, 1) bool, False at the end. Then
        padding does not change the outputs of other steps.
    """
    cell = step_of(layer)

    def run(inputs: Any, is_true: Any = None) -> Any:
        if not layer.go_backwards:  # padding comes after all that it could change
            return _recurrence(cell, inputs[0], None)[tf.newaxis]
        backwards = tf.reverse(inputs[0], axis=[0])
        mask = None if is_true is None else tf.reverse(is_true, axis=[0])
        return tf.reverse(_recurrence(cell, backwards, mask), axis=[0])[tf.newaxis]

    return run


def step_of(layer: Any) -> Cell:
    """The step of Keras' LSTM, GRU or SimpleRNN, with its weights."""
    return _CELLS[type(layer)](layer.cell)


def _recurrence(cell: Cell, inputs: Any, is_true: Any) -> Any:
    """The outputs (num_steps, num_units) of inputs (num_steps, width)."""
    num_steps, num_units = tf.shape(inputs)[0], cell.kernels[0].shape[1]
    num_chunks = -(-num_steps // CHUNK_STEPS)
    chunks = _chunks(inputs, num_steps, num_chunks)
    mask = None if is_true is None else _chunks(is_true, num_steps, num_chunks)
    outputs = tf.TensorArray(tf.float32, num_chunks, element_shape=(CHUNK_STEPS, num_units))
    states = [tf.zeros((1, num_units))] * cell.num_states

    def turn(number: Any, outputs: Any, *before: Any) -> tuple[Any, ...]:
        projected = _project(cell, chunks[number], None if mask is None else mask[number])
        computed, after = _chunk_outputs(cell, projected, before)
        return number + 1, outputs.write(number, computed), *after

    _, outputs, *_ = tf.while_loop(
        lambda number, *_: number < num_chunks, turn, (0, outputs, *states)
    )
    return tf.reshape(outputs.stack(), (num_chunks * CHUNK_STEPS, num_units))[:num_steps]


def _chunks(steps: Any, num_steps: Any, num_chunks: Any) -> Any:
    """Steps (num_steps, width), padded with zeros, as (num_chunks, CHUNK_STEPS, width)."""
    padded = tf.pad(steps, [[0, num_chunks * CHUNK_STEPS - num_steps], [0, 0]])
    return tf.reshape(padded, (num_chunks, CHUNK_STEPS, steps.shape[1]))


def _project(cell: Cell, inputs: Any, is_true: Any) -> Any:
    """The inputs of all gates, as (num_turns, _TURN_STEPS, num_gates * num_units)."""
    gates = [
        tf.matmul(inputs, kernel) + bias
        for kernel, bias in zip(cell.kernels, cell.biases, strict=True)
    ]
    if is_true is not None:
        gates = [
            tf.where(is_true, gate, value) for gate, value in zip(gates, cell.idle, strict=True)
        ]
    width = len(gates) * gates[0].shape[1]
    return tf.reshape(tf.concat(gates, axis=1), (-1, _TURN_STEPS, width))


def _chunk_outputs(cell: Cell, projected: Any, states: Sequence[Any]) -> tuple[Any, Sequence[Any]]:
    """The outputs (CHUNK_STEPS, num_units) of a chunk, and the states after it."""

    def turn(number: Any, outputs: Any, *states: Any) -> tuple[Any, ...]:
        steps, computed = projected[number], []
        for k in range(_TURN_STEPS):
            gates = tf.split(steps[k : k + 1], len(cell.kernels), axis=1)
            states = tuple(cell.step(gates, states))
            computed.append(states[0])
        # As many steps leave at the start as come in at the end, so shapes are constant.
        return number + 1, tf.concat([outputs[_TURN_STEPS:], *computed], axis=0), *states

    outputs = tf.zeros((CHUNK_STEPS, cell.kernels[0].shape[1]))
    _, outputs, *states = tf.while_loop(
        lambda number, *_: number < CHUNK_STEPS // _TURN_STEPS, turn, (0, outputs, *states)
    )
    return outputs, states


def _lstm(cell: Any) -> Cell:
    kernels, recurrent, biases = (np.split(w.numpy(), 4, axis=-1) for w in cell.weights)

    def step(gates: Sequence[Any], states: Sequence[Any]) -> Sequence[Any]:
        h, c = states
        i, f, g, o = (x + tf.matmul(h, kernel) for x, kernel in zip(gates, recurrent, strict=True))
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        return tf.sigmoid(o) * tf.tanh(c), c

    return Cell(kernels, biases, step, 2, idle=(-_LARGE, 0.0, 0.0, 0.0))


def _gru(cell: Any) -> Cell:
    kernels, recurrent, both_biases = (np.split(w.numpy(), 3, axis=-1) for w in cell.weights)
    biases, recurrent_biases = zip(*both_biases, strict=True)  # reset_after, Keras' default

    def step(gates: Sequence[Any], states: Sequence[Any]) -> Sequence[Any]:
        (h,) = states
        products = [
            tf.matmul(h, kernel) + bias
            for kernel, bias in zip(recurrent, recurrent_biases, strict=True)
        ]
        update, reset = (tf.sigmoid(gates[k] + products[k]) for k in range(2))
        candidate = tf.tanh(gates[2] + reset * products[2])
        return (update * h + (1.0 - update) * candidate,)

    return Cell(kernels, biases, step, 1, idle=(_LARGE, 0.0, 0.0))


def _rnn(cell: Any) -> Cell:
    kernel, recurrent, bias = (weight.numpy() for weight in cell.weights)

    def step(gates: Sequence[Any], states: Sequence[Any]) -> Sequence[Any]:
        return (tf.tanh(gates[0] + tf.matmul(states[0], recurrent)),)

    return Cell([kernel], [bias], step, 1, idle=(0.0,))


_CELLS = {keras.layers.LSTM: _lstm, keras.layers.GRU: _gru, keras.layers.SimpleRNN: _rnn}
