"""The command line: one module for each command, and the place where errors become exit codes.

A command with parts of its own is a package (transcribe, listen, train); lm and manifest are groups
of commands. Commands share:

verbs         their base classes; refuse_if: options that exclude each other
options       options, with decoding (of the decoder), subtitles, known_text and training
types         their types: paths, numbers, words
recordings    the recordings that they are given
output        results on stdout and messages on stderr

Exit codes: 0: done; 1: an expected failure, with its reason; 2: wrong usage; 130: interrupted; 143:
ended by SIGTERM; 129: by the end of its terminal (training saves a checkpoint before any of these).
Results go to stdout, messages and progress to stderr. Commands import what they need when they run,
so that help is fast and needs no extra.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from speechlstm import __version__
from speechlstm.cli.output import escape_what_streams_cannot_encode, replace_closed_streams
from speechlstm.cli.verbs import VerbGroup
from speechlstm.errors import SERVE_PACKAGES, MissingDependencyError, SpeechLSTMError, printable
from speechlstm.interruption import tidied_up

VERBS = (
    "transcribe",
    "classify",
    "listen",
    "align",
    "pronunciation",
    "explain",
    "serve",
    "manifest",
    "features",
    "augment",
    "lexicon",
    "lm",
    "adapt",
    "train",
    "evaluate",
    "score",
    "compare",
    "export",
    "tune",
    "doctor",
)

# The packages of the extra `train`, by their import names.
_TRAIN_PACKAGES = ("keras", "tensorflow", "filelock", "matplotlib", "threadpoolctl")

_OUT_OF_MEMORY = (
    "out of memory: give it less at once (shorter recordings or texts, smaller batches, fewer "
    "--jobs), close other programs, or raise the limit of this process (ulimit -v)"
)

_NO_THREAD = "can't start new thread"  # Python's RuntimeError
_OUT_OF_THREADS = (
    "the system allows no more threads or processes: end others, or raise the limit (ulimit -u; "
    "of a container, that of its processes)"
)


class _Main(VerbGroup):
    """The top-level command, which reports errors."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """See click.Command."""
        replace_closed_streams()
        escape_what_streams_cannot_encode()
        return super().main(*args, **kwargs)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """See click.Command; this is where help is printed."""
        with _reported():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _reported(), tidied_up():
            return super().invoke(ctx)


@contextmanager
def _reported() -> Iterator[None]:
    """Turn errors that a user can mend into one line and an exit code."""
    try:
        yield
    except SpeechLSTMError as error:
        raise click.ClickException(printable(str(error))) from error
    except ModuleNotFoundError as error:
        if error.name not in (*_TRAIN_PACKAGES, *SERVE_PACKAGES):
            raise
        raise click.ClickException(str(MissingDependencyError(error.name))) from error
    except BrokenPipeError:
        raise  # click exits silently if stdout has been closed
    except OSError as error:
        raise click.ClickException(printable(_describe(error))) from error
    except MemoryError as error:
        raise click.ClickException(_OUT_OF_MEMORY) from error
    except RuntimeError as error:
        if str(error) != _NO_THREAD:
            raise
        raise click.ClickException(_OUT_OF_THREADS) from error
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None  # 128 + SIGINT, as in shells; click would say 1


def _describe(error: OSError) -> str:
    """The reason and the files of a system error, without its number."""
    reason = error.strerror or str(error)
    if error.filename is None and error.errno == errno.ENOSPC:  # other writes name their file
        from tempfile import gettempdir

        return f"standard output, or a temporary file in {gettempdir()}: {reason}"
    is_write = hasattr(error, "characters_written")  # into a pipe that is full and does not block
    if error.filename is None and error.errno == errno.EAGAIN and not is_write:  # of fork
        return _OUT_OF_THREADS
    if error.filename is None and error.errno == errno.ENOENT and _is_current_folder_removed():
        return f"the current folder: {reason}; it has been removed"
    if error.filename is None:
        return reason
    names = (error.filename, error.filename2)  # two if a file was to be renamed
    files = " to ".join(
        os.fsdecode(name) if isinstance(name, bytes) else f"{name}"
        for name in names
        if name is not None
    )
    return f"{files}: {reason}"


def _is_current_folder_removed() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


@click.group(
    cls=_Main,
    package=__name__,
    verbs=VERBS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="speechlstm")
def main() -> None:
    """Transcribe speech, and train the models for it.

    \b
    Example:
      speechlstm transcribe data/samples/*.wav
    """
