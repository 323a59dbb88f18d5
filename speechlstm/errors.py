"""The exceptions of this package.

    SpeechLSTMError
    ├── ConfigError (ValueError)          a setting is unknown, mistyped or out of range
    ├── DataError
    │   ├── ManifestError                 path, line, reason
    │   ├── AudioError                    path, reason
    │   │   └── DamagedAudioError         parts are lost; `partial` is the result for the others
    │   ├── AlphabetError (ValueError)    symbols that the alphabet lacks
    │   └── InfeasibleTargetError         more labels than CTC has frames for
    ├── ModelError
    │   ├── BundleError                   missing, corrupt, other format version
    │   ├── LanguageModelError            path, line, reason
    │   └── LexiconError                  path, reason
    ├── TrainingError                     loss not finite, no usable utterance
    └── MissingDependencyError (ImportError)

Every message is one line that says where the error is, what was found, what was expected and what
to do next. Long quotations from files are shortened, and control characters are escaped.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# The packages of the extra `serve`, by their import names.
SERVE_PACKAGES = ("starlette", "uvicorn", "websockets", "python_multipart", "prometheus_client")

# The packages of the extra `remote`.
REMOTE_PACKAGES = ("fsspec", "aiohttp", "s3fs", "gcsfs")

# The packages of the extra `speakers`.
SPEAKERS_PACKAGES = ("sklearn", "scipy")

_ADDRESS = re.compile(r"^(s3|gs|https?):[/\\](?=[^/\\])")  # as a Path has it, with one slash
_BIDI = "\u202a-\u202e\u2066-\u2069"  # characters that change the direction of the text after them
_CONTROL = "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff"
UNPRINTABLE = re.compile(f"[{_CONTROL}{_BIDI}]")
_UNWRITABLE = re.compile(f"[{_CONTROL}]")


def printable(text: str) -> str:
    r"""Text in one line without control characters, for names and quotations from files.

    Control characters, line ends, lone surrogates and marks that change the direction of text are
    written as Python's escape sequences, so that they cannot control a terminal.

    >>> print(printable("a\x1b[31m\nb"))
    a\x1b[31m\nb
    """
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def writable(text: str) -> str:
    r"""Text in one line for a file: as `printable`, but with the marks that change its direction.

    Texts in scripts that run from right to left have them.

    >>> writable("\u202babc\u202c\x00") == "\u202babc\u202c" + r"\x00"
    True
    """
    return _UNWRITABLE.sub(lambda found: ascii(found[0])[1:-1], text)


_SHOWN_SECONDS, _ROUNDING = 0.01, 5e-4  # of a recording; less is not told, is no loss
_LONGEST_QUOTE = 120  # characters
_LONGEST_MESSAGE = 1000
_LONG_RUN = re.compile(rf"[^\s/\\]{{{_LONGEST_QUOTE + 1},}}")  # without separators of paths


def quoted(value: object) -> str:
    """The repr of a value for an error message, with the middle left out if it is long.

    >>> quoted("hop_ms")
    "'hop_ms'"
    >>> len(quoted("a" * 200_000))
    120
    """
    try:
        return shortened(repr(value), _LONGEST_QUOTE)
    except ValueError:  # Python does not write numbers of more than 4,300 digits
        return "a number of thousands of digits"


def shortened(text: str, longest: int) -> str:
    """The text, with the middle left out if it has more than `longest` characters.

    >>> shortened("abcdefghijklmnop", 11)
    'abc ... nop'
    """
    kept = longest - len(" ... ")
    if len(text) <= longest:
        return text
    return f"{text[: kept - kept // 2]} ... {text[len(text) - kept // 2 :]}"


def counted(number: int, noun: str) -> str:
    """A number with its noun in the singular or plural.

    >>> counted(1, "utterance"), counted(2, "utterance")
    ('1 utterance', '2 utterances')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class SpeechLSTMError(Exception):
    """Base class of this package's errors: anything that went wrong for a reason the user can fix.

    Args:
        message: It is put into one line; very long words and messages are shortened.
    """

    def __init__(self, message: str = "") -> None:
        shown = _LONG_RUN.sub(lambda run: shortened(run[0], _LONGEST_QUOTE), message)
        super().__init__(shortened(printable(shown), _LONGEST_MESSAGE))

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle would call __init__ with the message alone, which few of the classes accept.
        return _restore, (type(self), self.args, self.__dict__)


def _restore(
    kind: type[SpeechLSTMError], args: tuple[Any, ...], attributes: dict[str, Any]
) -> SpeechLSTMError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class ConfigError(SpeechLSTMError, ValueError):
    """A setting is unknown, has the wrong type or is out of range."""


class _FileError(Exception):
    """Adds path, reason and line to the errors that concern a file.

    Args:
        line: The line number, from 1; None if the whole file is concerned.
    """

    def __init__(self, path: Path | str, reason: str, line: int | None = None) -> None:
        self.path, self.reason, self.line = Path(path), reason, line
        where = _ADDRESS.sub(r"\1://", f"{path}")
        where = f"{where}:{line}" if line is not None else where
        super().__init__(f"{where}: {reason}")


class DataError(SpeechLSTMError):
    """A recording, transcript or manifest cannot be used."""


class ManifestError(_FileError, DataError):
    """A manifest cannot be read: see its attributes path, reason and line."""


class AudioError(_FileError, DataError):
    """A recording cannot be decoded, is empty or has samples that are not finite.

    Its attributes are path and reason.
    """


class DamagedAudioError(AudioError):
    """Parts of a recording are lost, in its middle or because it is truncated.

    Args:
        lost: (start, end) of each lost part, in seconds of the recording; the ends are estimates.
        seconds: Duration of the decoded recording. Parts that start later were cut off its end.
        partial: The result for what remains: an `Audio` or a `Transcript`; None if it has already
            been returned.
    """

    def __init__(
        self,
        path: Path | str,
        lost: tuple[tuple[float, float], ...],
        seconds: float,
        partial: Any = None,
    ) -> None:
        self.lost, self.seconds, self.partial = lost, seconds, partial
        cut = [p for p in lost if p[0] >= seconds - _SHOWN_SECONDS or p[1] > seconds + _ROUNDING]
        within = [f"{start:.2f} to {end:.2f} s" for start, end in lost if (start, end) not in cut]
        reasons = [f"is damaged at {', '.join(within)}"] if within else []
        if cut:
            # Many formats do not say how long they are: more may be missing than can be seen.
            after = sum(end - start for start, end in cut)
            missing = f", at least {after:.3g} s are missing" if after >= _SHOWN_SECONDS else ""
            reasons.append(f"is truncated at {min(seconds, cut[0][0]):.2f} s{missing}")
        super().__init__(path, " and ".join(reasons) + "; copy it again if there is an intact one")

    def with_partial(self, partial: Any) -> "DamagedAudioError":
        """The same error with another partial result."""
        return DamagedAudioError(self.path, self.lost, self.seconds, partial)


class AlphabetError(DataError, ValueError):
    """A text has symbols that the alphabet lacks.

    Args:
        symbols: The symbols; the message lists each with its code points.
        where: The text or utterance in which they were first found.
    """

    def __init__(self, symbols: Iterable[str], where: str) -> None:
        self.symbols, self.where = tuple(symbols), where
        named = ", ".join(f"{s!r} ({_code_points(s)})" for s in self.symbols)
        advice = []
        if any(symbol.isdecimal() for symbol in self.symbols):
            advice.append("write numbers as they are spoken")
        if not all(symbol.isdecimal() for symbol in self.symbols):
            advice.append("correct the text or train with an alphabet that has them")
        super().__init__(f"{where}: not in the alphabet: {named}; {'; '.join(advice)}")


def _code_points(symbol: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in symbol)


class InfeasibleTargetError(DataError):
    """A text needs more CTC frames than its recording has.

    Args:
        where: The utterance.
        num_needed: Length of the shortest CTC path: labels plus adjacent repeats.
        num_frames: The number of frames of the recording.
    """

    def __init__(self, where: str, num_needed: int, num_frames: int) -> None:
        self.where, self.num_needed, self.num_frames = where, num_needed, num_frames
        super().__init__(
            f"{where}: text needs {counted(num_needed, 'frame')}, audio has {num_frames}; "
            "check that the transcript belongs to this recording"
        )


class ModelError(SpeechLSTMError):
    """A model cannot be used."""


class BundleError(_FileError, ModelError):
    """A bundle is missing, corrupt or of another format version.

    Its attributes are path, of the bundle or of the file in it that is faulty, and reason.
    """


class LanguageModelError(_FileError, ModelError):
    """A language model cannot be read or is damaged: see its attributes path, reason and line."""


class LexiconError(_FileError, ModelError):
    """A packed lexicon cannot be read or is damaged: see its attributes path and reason."""


class TrainingError(SpeechLSTMError):
    """Training cannot start or continue."""


class MissingDependencyError(SpeechLSTMError, ImportError):
    """A package that is needed is not installed.

    Args:
        package: The package that could not be imported.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        # The extra installs the TensorFlow backend of Keras; others have to be installed by name.
        extra = "serve" if package in SERVE_PACKAGES else "train"
        extra = "remote" if package in REMOTE_PACKAGES else extra
        extra = "ray" if package == "ray" else extra
        extra = "mic" if package == "sounddevice" else extra
        extra = "speakers" if package in SPEAKERS_PACKAGES else extra
        source = package if package in ("torch", "jax") else f"speechlstm[{extra}]"
        super().__init__(f"{package} is not installed; run: pip install '{source}'")
