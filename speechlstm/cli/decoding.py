"""The options of the decoder, which several commands share."""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.options import read_text
from speechlstm.cli.types import PATH, IntegerRange, NumberRange
from speechlstm.errors import ConfigError, DataError

if TYPE_CHECKING:
    from speechlstm.config import HotWord
    from speechlstm.recognizer import Recognizer


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


def _hot_word(text: str) -> "HotWord":
    from speechlstm.config import HotWord

    try:
        return HotWord.parse(text)
    except ConfigError as error:
        raise click.BadParameter(str(error).removeprefix("decoding.hot_words: ")) from None


_FAST = (
    "Search without the LSTM language model, in a narrower beam: three fifths of the time. WER of "
    "the package's model then, and without --fast: LibriSpeech 16.6 % (12.7), Common Voice 34.7 % "
    "(29.0), AN4 2.7 % (2.3), Speech Commands 3.4 % (3.4), digits 6.1 % (6.1)."
)

_DECODING = (
    click.option("--greedy", is_flag=True, help="Decode greedily, without a beam search."),
    click.option("--fast", is_flag=True, help=_FAST),
    click.option("--no-lm", is_flag=True, help="Do not use the bundle's language models."),
    click.option(
        "--lm", metavar="FILE", type=PATH, help="Another n-gram language model, packed or ARPA.",
    ),
    click.option("--lm-weight", type=NumberRange(min=0), help="Weight of the language model."),
    click.option(
        "--neural-lm", "--rescore", "neural_lm", metavar="FILE", type=PATH,
        help="Another LSTM language model (.tflite).",
    ),
    click.option(
        "--neural-lm-weight", "--rescore-weight", "neural_lm_weight", type=NumberRange(0, 1),
        help="Weight of the LSTM in the interpolation with the n-gram model.",
    ),
    neural_lm_mode_options,
    click.option(
        "--word-bonus", type=NumberRange(), help="Score of each word, a natural logarithm."
    ),
    click.option(
        "--sentence-pause", type=NumberRange(min=0), metavar="SECONDS",
        help="A pause this long ends a sentence for the language models; 0: none does.",
    ),
    click.option(
        "--beam-width", type=IntegerRange(min=1), help="Hypotheses kept after each frame."
    ),
    click.option(
        "--n-best", "num_hypotheses", type=IntegerRange(min=1),
        help="Hypotheses in the output (JSON).",
    ),
    click.option(
        "--hot-word", "hot_words", metavar="WORDS[:WEIGHT]", type=_hot_word, multiple=True,
        help="A word or phrase to prefer or, with a negative weight, to avoid; may be given "
        "several times.",
    ),
    click.option(
        "--hot-word-weight", type=NumberRange(min=0),
        help="Weight of hot words that have none, for each character (or phone, with a lexicon of "
        "phones), a natural logarithm.",
    ),
    click.option(
        "--hot-words", "hot_words_file", metavar="FILE", type=PATH,
        help="A file of hot words, one a line; # begins a comment.",
    ),
    click.option(
        "--phrases", "phrases_file", metavar="FILE", type=PATH,
        help="Only these phrases can be recognised, in any number and order: a file with one a "
        "line, such as 'lights on', or 'lights on:2' if it is twice as probable; # begins a "
        "comment. [unk] stands for anything else; without it, whatever is said becomes one of the "
        "others, or nothing.",
    ),
)  # fmt: skip
_SETTINGS = (
    "lm_weight", "word_bonus", "sentence_pause", "beam_width", "num_hypotheses", "hot_word_weight",
    "neural_lm", "neural_lm_weight", "neural_lm_mode",
)  # fmt: skip

_OPTIONS = {
    "fast": "--fast",
    "num_hypotheses": "--n-best",
    "hot_words": "--hot-word",
    "phrases": "--phrases",
    "neural_lm.weight": "--neural-lm-weight",
    "neural_lm.mode": "--neural-lm-mode",
} | {key: f"--{key.replace('_', '-')}" for key in _SETTINGS if key != "num_hypotheses"}
_SETTING = re.compile(
    rf"(?<![\w/.])(?:decoding\.)?({'|'.join(map(re.escape, _OPTIONS))})(?![\w/.])"
)


def decoding_options(function: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of the decoder to a command, as one argument `decoding`.

    It holds the keyword arguments of `Recognizer.load`; errors about these name the options, and
    are wrong usage.
    """

    @wraps(function)
    def command(
        *args: Any, greedy: bool, fast: bool, no_lm: bool, lm: Path | None, **rest: Any
    ) -> None:
        if no_lm and lm:
            raise click.UsageError("--lm and --no-lm exclude each other")
        settings = {key: rest.pop(key) for key in _SETTINGS}
        words, file = rest.pop("hot_words"), rest.pop("hot_words_file")
        listed = listed_hot_words(file) if file else []
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
            message, num_options = _SETTING.subn(lambda found: _OPTIONS[found[1]], str(error))
            if num_options:
                raise click.UsageError(message) from error
            raise

    for option in reversed(_DECODING):
        command = option(command)
    return command


def load_recognizer(bundle: Path | None, decoding: Mapping[str, Any]) -> "Recognizer":
    """The recogniser, in a process of this command, whose stderr is not for codecs.

    Args:
        decoding: Keyword arguments of `Recognizer.load`.
    """
    from speechlstm.audio import silence_codecs
    from speechlstm.recognizer import Recognizer

    silence_codecs()
    return Recognizer.load(bundle, **decoding)


def _check_phrases(settings: dict[str, Any], lm: Path | None) -> None:
    """Refuse options of language models and hot words, which phrases replace."""
    replaced = [key for key in settings if key not in ("beam_width", "num_hypotheses")]
    given = [_OPTIONS[key] for key in replaced if settings[key] is not None]
    if lm or given:
        raise click.UsageError(f"--phrases and {'--lm' if lm else given[0]} exclude each other")


def listed_hot_words(path: Path) -> "list[HotWord]":
    """The hot words in a file, one a line, without comments, which # begins."""
    from speechlstm.config import HotWord
    from speechlstm.storage import listed

    try:
        lines = listed(read_text(path))
    except OSError as error:
        raise DataError(f"--hot-words {path}: cannot be read: {error.strerror}") from None
    found = []
    for number, line in lines:
        try:
            found.append(HotWord.parse(line))
        except ConfigError as error:
            reason = str(error).removeprefix("decoding.hot_words: ")
            raise ConfigError(f"{path}:{number}: {reason}") from None
    return found
