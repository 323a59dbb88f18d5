"""What the fields of an upload ask for."""

import re
from dataclasses import dataclass

from speechlstm.errors import printable, quoted
from speechlstm.server.answers import MEDIA_TYPES
from speechlstm.server.errors import ApiError
from speechlstm.server.forms import Form
from speechlstm.server.requests import Model

ALIASES = ("whisper-1",)  # many clients ask for this model and let nobody change it
_FORMATS = ("text", "json", "srt", "vtt")  # of the field formats[]
_GRANULARITIES = ("word", "segment")
_FIELDS = frozenset(
    (
        "model", "language", "languages", "prompt", "keywords", "response_format", "temperature",
        "timestamp_granularities", "stream", "chunking_strategy", "formats",
    )
)  # fmt: skip
_MAX_HOT_WORDS = 200
_HOT_WORD_WORDS = 4  # a longer piece of a prompt is a sentence, which is not a hot word


@dataclass(frozen=True)
class Wanted:
    """How a recording is to be transcribed.

    Attributes:
        response_format: A key of answers.MEDIA_TYPES.
        language: In ISO 639-1; None: not known.
        hot_words: Phrases to prefer: the keywords.
        hints: More of them: what is short in the prompt.
        granularities: What verbose_json lists; with "word", events list words too.
        formats: Formats of the command line that the last event holds too.
        is_streamed: Whether events are sent as segments are done.
    """

    response_format: str = "json"
    language: str | None = None
    hot_words: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    granularities: tuple[str, ...] = ("segment",)
    formats: tuple[str, ...] = ()
    is_streamed: bool = False

    @classmethod
    def of(cls, form: Form, model: Model) -> "Wanted":
        """What the fields of a form ask for.

        Raises:
            ApiError: A field is unknown, or has a value that is not possible.
        """
        fields: dict[str, list[str]] = {}
        for key, values in form.fields.items():  # lists may be sent under both names
            fields.setdefault(key.removesuffix("[]"), []).extend(values)
        for key in fields:
            if key not in _FIELDS:
                known = ", ".join(sorted(_FIELDS))
                raise ApiError(
                    400, f"unknown field {quoted(key)}; known are {known}", printable(key)
                )
        _check_model(_single(fields, "model", model.name), model)
        _check_temperature(_single(fields, "temperature", "0"))
        response_format = _choice(fields, "response_format", "json", tuple(MEDIA_TYPES))
        granularities = _choices(fields, "timestamp_granularities", _GRANULARITIES)
        is_streamed = _choice(fields, "stream", "false", ("true", "false")) == "true"
        if granularities and response_format != "verbose_json" and not is_streamed:
            raise ApiError(
                400,
                "timestamp_granularities are for response_format verbose_json",
                "timestamp_granularities",
            )
        formats = _choices(fields, "formats", _FORMATS)
        if formats and not is_streamed:
            raise ApiError(400, "formats are for stream=true; see response_format", "formats")
        return cls(
            response_format,
            _language(fields, model),
            _keywords(fields.get("keywords", [])),
            _hints(_single(fields, "prompt", "")),
            granularities or ("segment",),
            formats,
            is_streamed,
        )


def _single(fields: dict[str, list[str]], key: str, default: str) -> str:
    values = fields.get(key, [default])
    if len(values) > 1:
        raise ApiError(400, f"the field {key} is given {len(values)} times", key)
    return values[0]


def _choice(fields: dict[str, list[str]], key: str, default: str, known: tuple[str, ...]) -> str:
    value = _single(fields, key, default)
    return _known(key, value.lower() if known == ("true", "false") else value, known)


def _choices(fields: dict[str, list[str]], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_known(key, value, known) for value in fields.get(key, []))


def _known(key: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ApiError(400, f"{key} must be one of {', '.join(known)}, is {quoted(value)}", key)
    return value


def _check_model(name: str, model: Model) -> None:
    if name not in (model.name, *ALIASES):
        raise ApiError(
            404,
            f"the model {quoted(name)} does not exist; this server has {model.name}",
            "model",
            "model_not_found",
        )


def _check_temperature(value: str) -> None:
    try:
        is_possible = 0 <= float(value) <= 1
    except ValueError:
        is_possible = False
    if not is_possible:
        raise ApiError(
            400, f"temperature must be a number from 0 to 1, is {quoted(value)}", "temperature"
        )


def _language(fields: dict[str, list[str]], model: Model) -> str | None:
    """The language; a model of a language that is not known is believed to know the one given."""
    given = fields.get("languages") or [_single(fields, "language", "")]
    codes = [code.strip().lower() for code in given if code.strip()]
    codes = ["en" if code == "english" else code for code in codes]
    for code in codes:
        if not re.fullmatch("[a-z]{2,3}(-[a-z0-9]+)*", code):
            raise ApiError(
                400, f"language must be a code of ISO 639-1, is {quoted(code)}", "language"
            )
    if model.language and codes and model.language not in (code[:2] for code in codes):
        raise ApiError(
            400,
            f"the model {model.name} knows {model.language} alone, not {quoted(codes[0])}",
            "language",
        )
    return model.language or (codes[0] if codes else None)


def _hints(prompt: str) -> tuple[str, ...]:
    """What stands between commas, marks and ends of lines, unless it is as long as a sentence.

    Of a long prompt, such as the transcript so far, the last ones are used: Whisper, too, reads
    only the end.
    """
    pieces = _distinct(re.split(r"[,;:\n\r.!?]+", prompt))
    return tuple(p for p in pieces if len(p.split()) <= _HOT_WORD_WORDS)[-_MAX_HOT_WORDS:]


def _keywords(phrases: list[str]) -> tuple[str, ...]:
    words = _distinct(phrases)
    if len(words) > _MAX_HOT_WORDS:
        raise ApiError(400, f"keywords: more than {_MAX_HOT_WORDS} hot words", "keywords")
    return words


def _distinct(phrases: list[str]) -> tuple[str, ...]:
    words = dict.fromkeys(" ".join(phrase.split()) for phrase in phrases)
    words.pop("", None)
    return tuple(words)
