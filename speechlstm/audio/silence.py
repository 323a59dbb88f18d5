"""Hides the messages of libmpg123 about damaged frames, in the command line.

File descriptor 2 belongs to the whole process, so a library changes it only if the program asks.
"""

from contextlib import AbstractContextManager, nullcontext

from speechlstm.stderr import hidden_stderr

_is_wanted = False


def silence_codecs() -> None:
    """From now on, hide what is written to standard error while a codec decodes."""
    global _is_wanted  # noqa: PLW0603 (standard error belongs to the process, too)
    _is_wanted = True


def silenced() -> AbstractContextManager[None]:
    """A block in which a codec decodes; hides standard error if silence_codecs was called."""
    return hidden_stderr() if _is_wanted else nullcontext()
