"""What the verbs that train have in common: how their process begins, and how it ends."""

import os
import shlex
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from speechlstm.cli.output import say
from speechlstm.stderr import hidden_stderr

_TERMINATED = 128 + signal.SIGTERM  # exit code, as a shell reports it


def load_keras(backend: str | None = None) -> None:
    """Import Keras, with what this process is set to: a program with the library in it is left be.

    Args:
        backend: Keras' backend; by default that of the environment.

    Raises:
        MissingDependencyError: Keras or its backend is not installed.
        ConfigError: KERAS_BACKEND names none, or one that cannot train.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it once, when imported
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    with hidden_stderr():  # TensorFlow: https://github.com/tensorflow/tensorflow/issues/100442
        import speechlstm.training  # noqa: F401
    from speechlstm.training.engine.devices import keep_freed_memory

    keep_freed_memory()


@contextmanager
def resumable(run: Path, command: Sequence[str], description: str = "run.json") -> Iterator[None]:
    """Have SIGTERM end the block as Ctrl-C does, and say what goes on with the run.

    Args:
        run: Its folder.
        command: What goes on with it.
        description: The file without which there is nothing to go on with.
    """

    def terminate(*_: Any) -> None:
        raise SystemExit(_TERMINATED)

    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, terminate) if is_main else None
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if (run / description).exists():
            say(f"stopped; to go on: {shlex.join(command)}")
        raise
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
