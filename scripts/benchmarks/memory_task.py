"""Why an LSTM: how long LSTM, GRU and a plain recurrent network remember a symbol.

    python scripts/benchmarks/memory_task.py -o data/figures/memory_task.png

Each step of a sequence is one of eight symbols, the first one with a cue; after the last step the
network must name the first symbol. Networks of equal size are trained on sequences of up to a given
lag and tested on sequences of that lag. The figures are the accuracy, and the gradient of the
answer with respect to the first step, without which training cannot succeed. Takes a few minutes on
two cores; needs TensorFlow. Besides the plot, the numbers are written as JSON.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

from speechlstm.storage import write_atomically
from speechlstm.training.layers.recurrent import RecurrentLayer

NUM_SYMBOLS = 8
CELLS = {"rnn": 72, "gru": 40, "lstm": 35}  # units, for an equal number of weights
BATCH = 64
TEST_SEQUENCES = 256
LEARNING_RATE = 1e-2
CLIP_NORM = 1.0
SMALLEST_GRADIENT = 1e-10  # lower end of the plot


@dataclass(frozen=True)
class Result:
    """The figures of a network at a lag.

    Attributes:
        cell: Recurrent cell.
        num_weights: Number of weights.
        lag: Number of steps from the symbol to the answer.
        accuracy: Fraction of test sequences with a correct answer; 1 / 8 is chance.
        gradient: Mean norm of the gradient of the correct logit with respect to the first step.
        step_ms: Median milliseconds of an update.
    """

    cell: str
    num_weights: int
    lag: int
    accuracy: float
    gradient: float
    step_ms: float


class Recall(keras.Model):
    """A recurrent layer, and an output layer for the last step of each sequence."""

    def __init__(self, cell: str) -> None:
        super().__init__()
        self.memory = RecurrentLayer(CELLS[cell], cell=cell, bidirectional=False)
        self.answer = keras.layers.Dense(NUM_SYMBOLS)

    def call(self, inputs: tuple[Any, Any]) -> Any:
        """Logits (batch, NUM_SYMBOLS) for (sequences (batch, max_steps, width), lengths)."""
        sequences, lengths = inputs
        outputs = self.memory(sequences, lengths)
        last = ops.take_along_axis(outputs, lengths[:, None, None] - 1, axis=1)
        return self.answer(last[:, 0])


def make_batch(
    generator: np.random.Generator, lags: NDArray[np.int32]
) -> tuple[tuple[NDArray[np.float32], NDArray[np.int32]], NDArray[np.int32]]:
    """Draw sequences (batch, max(lags) + 1, NUM_SYMBOLS + 1), lengths (batch,) and answers."""
    shown = generator.integers(0, NUM_SYMBOLS, (len(lags), lags.max() + 1), np.int32)
    sequences = np.eye(NUM_SYMBOLS + 1, dtype=np.float32)[shown]
    sequences[:, 0, NUM_SYMBOLS] = 1
    return (sequences, lags + 1), shown[:, 0]


def train(cell: str, lag: int, num_updates: int, seed: int = 1) -> Result:
    """Train a network on lags of 1 to `lag`, and test it on `lag`."""
    keras.utils.set_random_seed(seed)
    generator = np.random.default_rng(seed)
    network = Recall(cell)
    optimizer = keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(optimizer, loss, jit_compile=False)
    test, answers = make_batch(generator, np.full(TEST_SEQUENCES, lag, np.int32))
    seconds = []
    for _ in range(num_updates):
        # One sequence has the largest lag, so that all batches have the same shape.
        lags = generator.integers(1, lag, BATCH, np.int32, endpoint=True)
        lags[0] = lag
        batch = make_batch(generator, lags)
        started = time.perf_counter()
        network.train_on_batch(*batch)
        seconds.append(time.perf_counter() - started)
    named = ops.convert_to_numpy(ops.argmax(network(test), axis=-1))
    return Result(
        cell=cell,
        num_weights=network.count_params(),
        lag=lag,
        accuracy=float(np.mean(named == answers)),
        gradient=gradient_norm(network, test, answers),
        step_ms=1000 * float(np.median(seconds)),
    )


def gradient_norm(network: Recall, inputs: Any, answers: NDArray[np.int32]) -> float:
    """See Result.gradient."""
    sequences, lengths = map(tf.constant, inputs)
    with tf.GradientTape() as tape:
        tape.watch(sequences)
        answer = tf.gather(network((sequences, lengths)), answers, axis=1, batch_dims=1)
    gradient = tape.gradient(answer, sequences)[:, 0]
    return float(tf.reduce_mean(tf.norm(gradient, axis=-1)))


def plot(results: Sequence[Result], path: Path) -> None:
    """Plot accuracy and gradient by lag, with a line for each cell."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for index, cell in enumerate(CELLS):
        rows = [r for r in results if r.cell == cell]
        lags, color = [r.lag for r in rows], f"C{index}"
        label = f"{cell.upper()}, {rows[0].num_weights:,} weights"
        left.plot(lags, [100 * r.accuracy for r in rows], ".-", color=color, label=label)
        norms = [max(r.gradient, SMALLEST_GRADIENT) for r in rows]
        right.plot(lags, norms, ".-", color=color, label=label)
    left.axhline(100 / NUM_SYMBOLS, color="gray", ls=":", label="chance")
    left.set(title="Symbols remembered", ylabel="%", ylim=(0, 103))
    right.set(title="Gradient that reaches the first step", ylabel="Norm", yscale="log")
    for axes in (left, right):
        axes.set(xlabel="Lag in steps", xscale="log")
        axes.set_xticks(lags, [str(lag) for lag in lags], minor=False)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend()
    image = BytesIO()
    figure.savefig(image, format="png", dpi=100)
    write_atomically(path, image.getvalue())


@click.command(
    epilog="Example: python scripts/benchmarks/memory_task.py -o data/figures/memory_task.png"
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="PNG file.")
@click.option("--lag", "lags", type=int, multiple=True, default=(4, 8, 16, 32, 64, 128),
              show_default=True, help="May be given several times.")  # fmt: skip
@click.option("--updates", default=1000, show_default=True, help="Updates of each network.")
def main(output: Path, lags: tuple[int, ...], updates: int) -> None:
    """Train rnn, gru and lstm of equal size to remember a symbol over growing lags."""
    output.parent.mkdir(parents=True, exist_ok=True)
    click.echo("cell  units  weights  lag  accuracy  gradient  ms/update")
    results = []
    for lag in lags:
        for cell, units in CELLS.items():
            r = train(cell, lag, updates)
            results.append(r)
            click.echo(
                f"{cell:4}  {units:5}  {r.num_weights:7,}  {lag:3}  {r.accuracy:8.0%}  "
                f"{r.gradient:8.1e}  {r.step_ms:9.1f}"
            )
    plot(results, output)
    rows = [asdict(result) for result in results]
    write_atomically(output.with_suffix(".json"), json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
