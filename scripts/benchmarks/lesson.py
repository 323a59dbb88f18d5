"""The figures of data/lstm.md: the claims of articles on the LSTM, measured.

    python scripts/benchmarks/lesson.py -o data/figures

Writes lesson_gates.png (the gates of three units of the package's model on a recording) and
lesson_gradient.png (how much of a gradient reaches earlier steps, in new networks and in the
package's model), and all numbers, also those of recurrent dropout on few training sequences, as
lesson.json. Needs TensorFlow; takes a minute of one core.
"""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from memory_task import CELLS, CLIP_NORM, LEARNING_RATE, NUM_SYMBOLS, make_batch
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.explain import Explanation, explain
from speechlstm.explain.explanation import typical_units
from speechlstm.storage import write_atomically
from speechlstm.training.acoustic.saliency import saliency

RECORDING = Path(__file__).parents[2] / "data" / "samples" / "reading.wav"
NUM_STEPS, NUM_SEEDS = 100, 3
DROPOUT_LAG, DROPOUT_SEQUENCES = 8, 64
RATES = (0.0, 0.1, 0.25, 0.5)
Numbers = dict[str, Any]


def gates(explanation: Explanation, path: Path) -> Numbers:
    """Draw the gates of a unit that forgets, a typical one and one that keeps."""
    forward = explanation.layers[0][0]
    units = typical_units(forward, 3)
    half_lives = forward.half_lives
    assert half_lives is not None
    seconds = (half_lives * explanation.frame_seconds)[units]
    figure = Figure(figsize=(9, 6), layout="constrained")
    times = np.arange(len(forward.memory)) * explanation.frame_seconds
    for axes, unit, half in zip(figure.subplots(3, 1, sharex=True), units, seconds, strict=True):
        for name, gate in forward.gates.items():
            axes.plot(times, gate[:, unit], label=f"{name} gate", linewidth=1)
        axes.plot(times, np.tanh(forward.memory[:, unit]), "k", label="tanh(cell)", linewidth=1.8)
        for explained in explanation.words:
            axes.axvspan(explained.word.start, explained.word.end, color="0.92", linewidth=0)
        axes.set(ylim=(-1.05, 1.05))
        axes.set_title(f"Unit {unit + 1}: half-life {half:.2g} s", fontsize=9, loc="left")
    figure.axes[0].legend(ncols=4, fontsize=8, loc="lower right")
    for explained in explanation.words:
        middle = (explained.word.start + explained.word.end) / 2
        figure.axes[0].text(middle, 1.08, explained.word.text, ha="center", fontsize=7)
    figure.axes[0].title.set_position((0, 1.1))
    figure.axes[-1].set_xlabel("Seconds; grey: words")
    save(figure, path)
    by_layer = [
        np.quantile(direction.half_lives * explanation.frame_seconds, [0.5, 0.9, 1]).tolist()
        for layer in explanation.layers
        for direction in layer
        if direction.half_lives is not None
    ]
    return {"units": units, "half_lives": seconds.tolist(), "quantiles_by_direction": by_layer}


def gradients_of_new_networks() -> Numbers:
    """By lag, the norm of the gradient of the last output, relative to that of lag 0."""
    cells = {**{name: {} for name in CELLS}, "lstm, forget bias 0": {"unit_forget_bias": False}}
    found: Numbers = {}
    for name, options in cells.items():
        kind = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU}.get(name, keras.layers.LSTM)
        rows = []
        for seed in range(NUM_SEEDS):
            keras.utils.set_random_seed(seed)
            layer = kind(CELLS[name.split(",")[0]], **options)
            (sequences, _), _ = make_batch(
                np.random.default_rng(seed), np.full(16, NUM_STEPS, np.int32)
            )
            inputs = tf.constant(sequences)
            direction = tf.random.stateless_normal((layer.units,), [seed, 0])
            with tf.GradientTape() as tape:
                tape.watch(inputs)
                answer = tf.reduce_sum(layer(inputs) * direction)
            norms = tf.norm(tape.gradient(answer, inputs), axis=-1).numpy().mean(axis=0)[::-1]
            rows.append(norms / norms[0])
        found[name] = np.exp(np.mean(np.log(np.maximum(rows, 1e-30)), axis=0)).tolist()
    return found


def gradient_of_the_model(explanation: Explanation) -> Numbers:
    """By distance in seconds, the share of a phone's squared gradient beyond it."""
    bundle = read_bundle(default_bundle())
    # Every third phone, to save time.
    emissions = [e for w in explanation.words for e in explanation.emissions(w.word)][::3]
    gradients = saliency(bundle, explanation.audio, [[e] for e in emissions], phones=True)
    hop = explanation.spec.features.hop_ms / 1000
    distances = np.round(np.arange(0, 2.01, 0.05), 2)
    shares = []
    for emission, gradient in zip(emissions, gradients, strict=True):
        power = np.square(gradient).sum(axis=1)
        middle = (emission.start + emission.stop) / 2 * explanation.frame_seconds
        away = np.abs(np.arange(len(power)) * hop - middle)
        shares.append([power[away > distance].sum() / power.sum() for distance in distances])
    return {"seconds": distances.tolist(), "share_beyond": np.mean(shares, axis=0).tolist()}


def plot_gradients(new: Numbers, model: Numbers, path: Path) -> None:
    """Draw both."""
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, norms in new.items():
        cell, *rest = name.split(",")
        left.semilogy(np.maximum(norms, 1e-12), label=",".join([cell.upper(), *rest]))
    left.set(title="New networks", xlabel="Steps back", ylabel="Gradient, relative to lag 0")
    left.legend(fontsize=8)
    right.semilogy(model["seconds"], model["share_beyond"])
    right.set(
        title="The package's model: what a phone depends on",
        xlabel="Seconds away",
        ylabel="Share of the squared gradient beyond",
    )
    for axes in (left, right):
        axes.grid(alpha=0.3)
    save(figure, path)


def dropout(num_updates: int) -> Numbers:
    """Accuracy on few training sequences and on new ones, by recurrent dropout."""
    found: Numbers = {}
    for rate in RATES:
        keras.utils.set_random_seed(1)
        generator = np.random.default_rng(1)
        lags = np.full(DROPOUT_SEQUENCES, DROPOUT_LAG, np.int32)
        (train, _), answers = make_batch(generator, lags)
        (test, _), expected = make_batch(generator, np.full(512, DROPOUT_LAG, np.int32))
        layer = keras.layers.LSTM(CELLS["lstm"], recurrent_dropout=rate)
        network = keras.Sequential([layer, keras.layers.Dense(NUM_SYMBOLS)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(keras.optimizers.Adam(LEARNING_RATE, clipnorm=CLIP_NORM), loss)
        for _ in range(num_updates):
            network.train_on_batch(train, answers)
        found[str(rate)] = {
            "train": accuracy(network, train, answers),
            "test": accuracy(network, test, expected),
        }
        click.echo(f"recurrent dropout {rate}: {found[str(rate)]}")
    return found


def accuracy(
    network: keras.Model, inputs: NDArray[np.float32], answers: NDArray[np.int32]
) -> float:
    """The fraction of right answers."""
    return float((network(inputs).numpy().argmax(axis=1) == answers).mean())


def save(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG file."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=80)
    write_atomically(path, image.getvalue())


@click.command(epilog="Example: python scripts/benchmarks/lesson.py -o data/figures")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder.")
@click.option("--updates", default=200, show_default=True, help="Updates with dropout.")
def main(output: Path, updates: int) -> None:
    """Write the figures of data/lstm.md and their numbers."""
    output.mkdir(parents=True, exist_ok=True)
    explanation = explain(Audio.load(RECORDING))
    numbers: Numbers = {"gates": gates(explanation, output / "lesson_gates.png")}
    numbers["new_networks"] = gradients_of_new_networks()
    numbers["model"] = gradient_of_the_model(explanation)
    plot_gradients(numbers["new_networks"], numbers["model"], output / "lesson_gradient.png")
    numbers["dropout"] = dropout(updates)
    write_atomically(output / "lesson.json", json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
