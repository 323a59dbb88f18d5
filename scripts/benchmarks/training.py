"""Time of a training step, compared with Keras' own layers and with torch alone.

    python scripts/benchmarks/training.py [--precision bfloat16] [--json]

Every contender trains the same network (3 x 256 BiLSTM, layer normalization, dropout, CTC with true
lengths, AdamW with a clipped gradient) on the same batches of MFCC frames. A step is forward pass,
loss, backward pass and update, from arrays in memory:

    tensorflow, torch, jax      network, loss and optimizer of this project on a backend of Keras
    tensorflow_stock            those of Keras on TensorFlow: Bidirectional(LSTM) with a mask,
                                keras.ops.ctc_loss, AdamW
    tensorflow_stock_fast_loss  the same with the loss of this project, to compare the layers only
    torch_raw                   no Keras: nn.LSTM over the padded batch, torch's CTC loss and AdamW

Each contender is a process of its own; they take turns, a step each. The time is the median over
the steps, the ratio that of two medians; the summary has the lower ratio of the two batches.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import click
from training_steps import Precision, Step, new_batch, project_step, stock_step, torch_step

SHAPES = ((16, 10.0), (64, 2.5))  # number of utterances, seconds of the longest one
WARM_UP = 2  # steps

# The packages of each contender; the first one is Keras' backend.
CONTENDERS = {
    "tensorflow": ("tensorflow", "keras"),
    "tensorflow_stock": ("tensorflow", "keras"),
    "tensorflow_stock_fast_loss": ("tensorflow", "keras"),
    "torch": ("torch", "keras"),
    "torch_raw": ("torch",),
    "jax": ("jax", "keras"),
}
RATIOS = {
    "tensorflow_over_stock": ("tensorflow", "tensorflow_stock"),
    "tensorflow_over_stock_fast_loss": ("tensorflow", "tensorflow_stock_fast_loss"),
    "torch_over_raw": ("torch", "torch_raw"),
}


@click.command(help=__doc__)
@click.option("--repeats", default=7, show_default=True, help="Measured steps of each contender.")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
@click.option("--contender", type=click.Choice(list(CONTENDERS)), hidden=True)
def main(repeats: int, precision: Precision, as_json: bool, contender: str | None) -> None:
    """Measure all contenders and print the figures."""
    if contender:
        compete(contender, precision)
        return
    installed = [name for name, needs in CONTENDERS.items() if all(map(find_spec, needs))]
    processes = {name: start(name, precision) for name in installed}
    seconds: dict[str, dict[tuple[int, float], list[float]]] = {
        name: {shape: [] for shape in SHAPES} for name in installed
    }
    for shape in SHAPES:
        for repeat in range(WARM_UP + repeats):
            for name, process in processes.items():
                elapsed = ask(process, SHAPES.index(shape))
                if repeat >= WARM_UP:
                    seconds[name][shape].append(elapsed)
    for process in processes.values():
        process.communicate()
    medians = {
        name: {shape: statistics.median(values) for shape, values in by_shape.items()}
        for name, by_shape in seconds.items()
    }
    report(medians, precision, as_json)


def report(
    medians: dict[str, dict[tuple[int, float], float]], precision: Precision, as_json: bool
) -> None:
    """Print times and ratios, except for contenders that are not installed."""
    for shape in SHAPES:
        click.echo(f"{shape[0]} utterances of {shape[1]:g} s, {precision}:")
        for name in CONTENDERS:
            if name not in medians:
                click.echo(f"  {name:26} not installed")
                continue
            seconds = medians[name][shape]
            speed = shape[0] * shape[1] / seconds
            click.echo(f"  {name:26} {seconds:6.3f} s a step, {speed:4.0f} x real time")
    ratios: dict[str, float | None] = {}
    for title, (ours, theirs) in RATIOS.items():
        both = ours in medians and theirs in medians
        by_shape = [medians[theirs][s] / medians[ours][s] for s in SHAPES] if both else []
        ratios[title] = min(by_shape, default=None)
        click.echo(f"{title}: {', '.join(f'{ratio:.2f}' for ratio in by_shape) or 'null'}")
    if as_json:
        seconds_by_name = {
            name: {f"{b}x{s:g}": medians[name][b, s] for b, s in SHAPES}
            if name in medians
            else None
            for name in CONTENDERS
        }
        click.echo(json.dumps(ratios | {"precision": precision, "step_seconds": seconds_by_name}))


def start(name: str, precision: Precision) -> "subprocess.Popen[str]":
    """Start the process of a contender, which waits for requests."""
    return subprocess.Popen(
        [sys.executable, __file__, "--contender", name, "--precision", precision],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"KERAS_BACKEND": CONTENDERS[name][0], "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def ask(process: "subprocess.Popen[str]", shape: int) -> float:
    """Let a contender do one step with the batch of a shape; returns its seconds."""
    assert process.stdin and process.stdout
    process.stdin.write(f"{shape}\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        sys.exit(f"Error: {process.args!r} ended")
    return float(answer)


def compete(name: str, precision: Precision) -> None:
    """Run a contender: for each line on stdin, do a step with that batch and print its seconds."""
    makers: dict[str, Callable[[Precision], Step]] = {
        "tensorflow_stock": stock_step,
        "tensorflow_stock_fast_loss": partial(stock_step, fast_loss=True),
        "torch_raw": torch_step,
    }
    step = makers.get(name, project_step)(precision)
    batches = [new_batch(*shape) for shape in SHAPES]
    for line in sys.stdin:
        started = time.perf_counter()
        step(batches[int(line)])
        click.echo(time.perf_counter() - started)


if __name__ == "__main__":
    main()
