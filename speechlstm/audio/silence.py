"""What libmpg123 writes to standard error about damaged frames, hidden in the command line.

File descriptor 2 is the whole process's, so a library leaves it alone unless the program asks.
"""

from contextlib import AbstractContextManager, nullcontext

from speechlstm.stderr import hidden_stderr

_is_wanted = False


def silence_codecs() -> None:
    """From now on, hide what is written to standard error while a codec decodes."""
    global _is_wanted  # noqa: PLW0603 (standard error is the process's, too)
    _is_wanted = True


def silenced() -> AbstractContextManager[None]:
    """A block in which a codec decodes: standard error is hidden if silence_codecs was called."""
    return hidden_stderr() if _is_wanted else nullcontext()
