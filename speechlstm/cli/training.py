"""What the commands that train share: importing Keras, stopping, options of what is exported."""

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from speechlstm.cli.options import Option
from speechlstm.cli.output import say
from speechlstm.parallel.launch import Launch
from speechlstm.stderr import hidden_stderr


def load_keras(backend: str | None = None) -> None:
    """Import Keras and configure this process; only the command line may do that, not the library.

    Args:
        backend: Keras' backend; by default that of the environment variable KERAS_BACKEND.

    Raises:
        MissingDependencyError: Keras or its backend is not installed.
        ConfigError: KERAS_BACKEND names an unknown backend, or one that cannot train, or what
            torchrun says makes no sense.
    """
    if launch := Launch.read(os.environ):
        launch.choose_gpu(os.environ)
        os.environ.setdefault("KERAS_BACKEND", "torch")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it when it is imported
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    # Importing TensorFlow writes to stderr at any log level:
    # https://github.com/tensorflow/tensorflow/issues/100442
    with hidden_stderr():
        import speechlstm.training  # noqa: F401
    from speechlstm.training.engine.devices import keep_freed_memory

    keep_freed_memory()


@contextmanager
def resumable(
    run: Path, command: Sequence[str] | None, description: str = "run.json"
) -> Iterator[None]:
    """Where a signal ends the block, print the command that continues the run.

    Args:
        command: The command that continues it; None: another process says that.
        description: The file in the folder without which there is no run to continue.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if command and (run / description).exists():
            say(f"stopped; to continue: {shlex.join(command)}")
        raise


def quantize_option(description: str) -> Option:
    """The option --quantize of the commands that export a model."""
    return click.option(
        "--quantize",
        "quantization",
        type=click.Choice(["none", "float16", "int8"]),
        default="none",
        show_default=True,
        help=description,
    )


def acoustic_quantize_option(default: str) -> Option:
    """The option --quantize of the commands that export an acoustic model; without it, None.

    Args:
        default: What None means, for the help.
    """
    return click.option(
        "--quantize",
        "quantization",
        type=click.Choice(["none", "float16", "int8", "int4"]),
        help="Precision of the stored recurrent layers; int4 is the smallest, and as fast as int8 "
        f"in model.portable.tflite only.  [default: {default}]",
    )


def target_option(default: str) -> Option:
    """The option --target of the commands that export an acoustic model: a tuple of targets.

    Args:
        default: A target, or both.
    """

    def targets(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
        return ("interpreter", "everywhere") if value == "both" else (value,)

    return click.option(
        "--target",
        "targets",
        type=click.Choice(["both", "interpreter", "everywhere"]),
        default=default,
        show_default=True,
        callback=targets,
        help="Where the model runs: in TensorFlow Lite's Interpreter (model.tflite: least memory), "
        "or in every runtime, also in LiteRT.js and CompiledModel (model.portable.tflite).",
    )
