"""Options that several commands share, and the text files that they name."""

import os
import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.errors import ConfigError, DataError, printable
from speechlstm.storage import read_bounded
from speechlstm.transcript.formats import FORMATS, SUFFIXES

if TYPE_CHECKING:
    from speechlstm.config import HotWord

MANIFESTS = (".jsonl", ".json")  # suffixes of manifests that are written

_PATH = click.Path(path_type=Path)
_IS_FOLDER = f"{__name__}.is_folder"  # in a context's meta


class OutputPath(click.Path):
    """The path of a file to write. If it cannot be written, this is reported before the work.

    `Verb` checks that it is not one of the files that the command reads.

    Args:
        suffixes: The allowed suffixes, in lower case, such as ".npy"; (): any. A name without a
            suffix is always allowed.
        is_kept: Whether an existing file is read instead of being written.
    """

    def __init__(self, suffixes: tuple[str, ...] = (), is_kept: bool = False) -> None:
        super().__init__(path_type=Path)
        self._suffixes, self._is_kept = suffixes, is_kept

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.Path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        name, folder = printable(f"{path}"), path.resolve().parent  # as in write_atomically
        if path.is_file() and self._is_kept:
            return path
        if not folder.is_dir():
            self.fail(f"{printable(str(folder))}: no such folder; create it first", param, ctx)
        if path.is_dir():
            self.fail(f"{name}: is a folder; give a file", param, ctx)
        if path.exists() and not path.is_file():  # a device or pipe
            return path
        if not os.access(folder, os.W_OK):
            self.fail(f"{printable(str(folder))}: the folder is not writable", param, ctx)
        if self._suffixes and path.suffix and path.suffix.lower() not in self._suffixes:
            known = ", ".join(self._suffixes)
            self.fail(f"{name}: the name must end in {known} or have no suffix", param, ctx)
        return path


class TranscriptPath(OutputPath):
    """The path of a file to write, or of a folder: one that exists, or a name that ends in a slash.

    `is_folder` says which. The command checks what it writes into a folder.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.Path."""
        name = os.fsdecode(value)
        if Path(name).is_dir() or name.endswith(("/", os.sep)):
            if ctx:
                ctx.meta[_IS_FOLDER] = True
            return Path(name)
        return super().convert(value, param, ctx)

    @staticmethod
    def is_folder(ctx: click.Context) -> bool:
        """Whether the option of the command was given a folder."""
        return _IS_FOLDER in ctx.meta


class OutputFolder(click.Path):
    """The path of a folder to write, a bundle or a run. `Verb` checks that it is not read, too."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)


class BundlePath(click.Path):
    """The path of a bundle or run to read: a folder, a .tflite file, or the name english."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.Path."""
        if value == "english":  # the module takes a while to import
            from speechlstm.bundle import find_bundle

            value = find_bundle(value)
        return super().convert(value, param, ctx)


def output_format(name: str | None, output: Path | None, default: str) -> str:
    """The format of transcripts, from --format or from the suffix of -o.

    Args:
        name: The value of --format.
        output: The value of -o.
        default: The format if neither says, which includes names without a suffix and .txt.

    Raises:
        click.UsageError: The suffix is not known.
    """
    suffix = output.suffix.lower() if output else ""
    if name or suffix in ("", ".txt"):
        return name or default
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise click.UsageError(
            f"{printable(str(output))}: no format has the suffix {printable(suffix)}, known are "
            f"{known}; or give the format with --format"
        )
    return SUFFIXES[suffix]


bundle_option = click.option(
    "--bundle",
    "--model",
    "bundle",
    metavar="BUNDLE",
    type=BundlePath(),
    help="The folder of a bundle, or a .tflite file.  [default: english, the model in the package]",
)


class FormatList(click.ParamType):  # type: ignore[type-arg]  # generic in newer click alone
    """One or several formats of transcripts, separated by commas, as a tuple."""

    name = "formats"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """See click.ParamType."""
        names = tuple(dict.fromkeys(name.strip().lower() for name in str(value).split(",")))
        for name in names:
            if name not in FORMATS:
                self.fail(f"{name!r} is not one of {', '.join(FORMATS)}", param, ctx)
        return names


class _Channels(click.ParamType):  # type: ignore[type-arg]  # generic in newer click alone
    """The value mix, separate, or the number of a channel."""

    name = "channels"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """See click.ParamType."""
        if value in ("mix", "separate"):
            return str(value)
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value!r} is not mix, separate or a number from 1", param, ctx)
        return int(value)


CHANNELS = _Channels()

raw_option = click.option(
    "--raw",
    "raw_rate",
    type=click.IntRange(4_000, 768_000),
    metavar="RATE",
    help="Recordings have no header, but are 16-bit little-endian PCM, mono, of this sample rate.",
)

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="The largest number of processes.  [default: the number of cores]",
)

worst_option = click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="The number of utterances with the most errors to show.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object with every utterance."
)


def neural_lm_mode_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the option --neural-lm-mode to a command, with the older names --(no-)shallow-fusion."""
    options = (
        click.option(
            "--neural-lm-mode",
            type=click.Choice(["rescore", "fuse"]),
            help="Whether the LSTM rescores the n-best list or takes part in the search (slower).  "
            "[default: the bundle's]",
        ),
        click.option("--shallow-fusion", "neural_lm_mode", flag_value="fuse", hidden=True),
        click.option("--no-shallow-fusion", "neural_lm_mode", flag_value="rescore", hidden=True),
    )
    for option in reversed(options):
        function = option(function)
    return function


_FAST = (
    "Search without the LSTM language model, in a narrower beam: 0.6 of the time. WER of the "
    "package's model then, and without --fast: LibriSpeech 17.8 % (14.0), Common Voice 34.2 % "
    "(29.7), AN4 2.7 % (2.5), Speech Commands 3.2 % (3.2), digits 6.1 % (6.1)."
)

_DECODING = (
    click.option("--greedy", is_flag=True, help="Decode greedily, without a beam search."),
    click.option("--fast", is_flag=True, help=_FAST),
    click.option("--no-lm", is_flag=True, help="Do not use the bundle's language models."),
    click.option(
        "--lm", metavar="FILE", type=_PATH, help="Another n-gram language model, packed or ARPA.",
    ),
    click.option("--lm-weight", type=float, help="Weight of the language model."),
    click.option(
        "--neural-lm", "--rescore", "neural_lm", metavar="FILE", type=_PATH,
        help="Another LSTM language model (.tflite).",
    ),
    click.option(
        "--neural-lm-weight", "--rescore-weight", "neural_lm_weight", type=float,
        help="Weight of the LSTM in the interpolation with the n-gram model, 0 to 1.",
    ),
    neural_lm_mode_options,
    click.option("--word-bonus", type=float, help="Score of each word, a natural logarithm."),
    click.option("--beam-width", type=int, help="Hypotheses kept after each frame."),
    click.option("--n-best", "num_hypotheses", type=int, help="Hypotheses in the output (JSON)."),
    click.option(
        "--hot-word", "hot_words", metavar="WORDS[:WEIGHT]", multiple=True,
        help="A word or phrase to prefer or, with a negative weight, to avoid; may be given "
        "several times.",
    ),
    click.option(
        "--hot-word-weight", type=float,
        help="Weight of hot words that have none, for each character (or phone, with a lexicon of "
        "phones), a natural logarithm.",
    ),
    click.option(
        "--hot-words", "hot_words_file", metavar="FILE", type=_PATH,
        help="A file of hot words, one a line.",
    ),
    click.option(
        "--phrases", "phrases_file", metavar="FILE", type=_PATH,
        help="Only these phrases can be recognised, in any number and order: a file with one a "
        "line, such as 'lights on', or 'lights on:2' if it is twice as probable. [unk] stands for "
        "anything else; without it, whatever is said becomes one of the others, or nothing.",
    ),
)  # fmt: skip
_SETTINGS = (
    "lm_weight", "word_bonus", "beam_width", "num_hypotheses", "hot_word_weight", "neural_lm",
    "neural_lm_weight", "neural_lm_mode",
)  # fmt: skip

_OPTIONS = {
    "fast": "--fast",
    "num_hypotheses": "--n-best",
    "hot_words": "--hot-word",
    "phrases": "--phrases",
    "neural_lm.weight": "--neural-lm-weight",
    "neural_lm.mode": "--neural-lm-mode",
} | {key: f"--{key.replace('_', '-')}" for key in _SETTINGS if key != "num_hypotheses"}
_SETTING = re.compile(rf"\b(?:decoding\.)?({'|'.join(map(re.escape, _OPTIONS))})\b")


def _option_name(setting: re.Match[str]) -> str:
    return _OPTIONS[setting[1]]


def decoding_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of the decoder to a command, as one argument `decoding`.

    It holds the keyword arguments of `Recognizer.load`; errors about these name the options.
    """

    @wraps(function)
    def command(
        *args: Any, greedy: bool, fast: bool, no_lm: bool, lm: Path | None, **rest: Any
    ) -> None:
        if no_lm and lm:
            raise click.UsageError("--lm and --no-lm exclude each other")
        settings = {key: rest.pop(key) for key in _SETTINGS}
        words, file = rest.pop("hot_words"), rest.pop("hot_words_file")
        listed = _listed_hot_words(file) if file else []
        settings["hot_words"] = (*words, *listed) or None
        phrases = rest.pop("phrases_file")
        decoding = {key: value for key, value in settings.items() if value is not None}
        decoding["greedy"] = greedy
        if phrases:
            _check_phrases(settings, lm)
            from speechlstm.text.phrases import read_phrase_file

            decoding["phrases"] = read_phrase_file(phrases)
        if fast:
            decoding["fast"] = True
        if no_lm or lm:
            decoding["lm"] = lm
        try:
            function(*args, **rest, decoding=decoding)
        except ConfigError as error:
            raise ConfigError(_SETTING.sub(_option_name, str(error))) from error

    for option in reversed(_DECODING):
        command = option(command)
    return command


def _check_phrases(settings: dict[str, Any], lm: Path | None) -> None:
    """Refuse options of language models and hot words, which phrases replace."""
    replaced = [key for key in settings if key not in ("beam_width", "num_hypotheses")]
    given = [_OPTIONS[key] for key in replaced if settings[key] is not None]
    if lm or given:
        raise click.UsageError(f"--phrases and {'--lm' if lm else given[0]} exclude each other")


def _listed_hot_words(path: Path) -> "list[HotWord]":
    """The hot words in a file, one a line; empty lines are skipped."""
    from speechlstm.config import HotWord

    try:
        lines = read_text(path).splitlines()
    except OSError as error:
        raise DataError(f"--hot-words {path}: cannot be read: {error.strerror}") from None
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found += [HotWord.parse(line)] if line.strip() else []
        except ConfigError as error:
            reason = str(error).removeprefix("decoding.hot_words: ")
            raise ConfigError(f"{path}:{number}: {reason}") from None
    return found


def read_text(path: Path) -> str:
    """The content of a text file given by the user.

    Raises:
        DataError: The file is not UTF-8.
        OSError: The file cannot be read.
    """
    try:
        return read_bounded(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from None
