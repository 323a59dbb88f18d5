"""From a bundle and the arguments of `Recognizer.load` to an acoustic model and a decoder."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from speechlstm.acoustic import AcousticModel, LiteRTAcousticModel
from speechlstm.arguments import StrPath, check_argument, plain
from speechlstm.bundle import Bundle, find_bundle, read_bundle
from speechlstm.config.hot_words import read_hot_words
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.spec import with_arguments
from speechlstm.errors import BundleError, ConfigError
from speechlstm.readable.marked_text import marked_words
from speechlstm.text.phrases import read_phrases

if TYPE_CHECKING:
    from speechlstm.diarization import Diarizer
    from speechlstm.readable.writer import ReadableWriter


class _Default(Enum):
    """The default of arguments for which None means "no model"."""

    FROM_BUNDLE = "from the bundle"

    def __repr__(self) -> str:  # shown in the signature by help()
        return f"<{self.value}>"


FROM_BUNDLE: Final = _Default.FROM_BUNDLE
ModelFile = StrPath | Literal[_Default.FROM_BUNDLE] | None

# The arguments of Recognizer.load that change the decoder.
_OF_DECODER = (
    "fast", "decoding", "lm", "neural_lm", "neural_lm_weight", "neural_lm_mode", "phrases",
)  # fmt: skip
_PATH = str | Path | None  # as which any other path is given on
_TYPES = {
    "bundle": _PATH, "lm": _PATH, "neural_lm": _PATH, "speaker_bundle": _PATH,
    "greedy": bool, "fast": bool, "reject_non_speech": bool, "readable": bool | None,
}  # fmt: skip


def checked(**arguments: Any) -> dict[str, Any]:
    """Arguments of `Recognizer.load`, with Python's own numbers and paths, which can be pickled.

    Raises:
        ConfigError: An argument has another type (the text "no" would be true), or a path is empty,
            or phrases are not valid.
    """
    own: dict[str, Any] = {
        name: Path(value) if isinstance(value, PathLike) else plain(value)
        for name, value in arguments.items()
    }
    for name, kind in _TYPES.items():
        if own[name] is FROM_BUNDLE:
            continue
        check_argument(name, own[name], kind)
        if own[name] == "":  # as from an unset variable
            raise ConfigError(f"{name}: is empty; give a path")
    if own["phrases"] is not None:
        own["phrases"] = read_phrases(own["phrases"])
    return own


def load_parts(
    bundle: StrPath | None, given: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of `SegmentRecognizer` that those of `Recognizer.load` ask for.

    Args:
        bundle: The name, the folder or the .tflite file of the bundle.
        given: The other arguments, as far as they differ from their defaults.
        settings: Single settings of `DecodeConfig` that replace those of the bundle.

    Raises:
        SpeechLSTMError: As in `Recognizer.load`.
    """
    contents = read_bundle(find_bundle(bundle))
    writer = _writer(contents, given.get("readable", False), settings)
    model, decoder = _models(contents, given, settings)
    return {
        "model": model,
        "decoder": decoder,
        "writer": writer,
        "diarizer": _diarizer(given.get("speakers"), given.get("speaker_bundle")),
        "reject_non_speech": given.get("reject_non_speech", True),
    }


def _models(
    contents: Bundle, given: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[AcousticModel, Decoder]:
    changes = {name: given[name] for name in _OF_DECODER if name in given}
    named = [*settings, *(name for name, value in changes.items() if value is not None)]
    greedy = given.get("greedy", False)
    if greedy and named:
        raise ConfigError(
            f"greedy decoding does not use {', '.join(named)}; leave out one or the other"
        )
    spec = with_arguments(contents.decoder, changes, settings)
    searches = not greedy and (spec.is_search or bool(settings) or "decoding" in changes)
    # A calibration fitted to the confidences of one decoder does not hold for another.
    if searches != contents.decoder.is_search:
        spec = replace(spec, calibration=None)
    if not searches:
        model = LiteRTAcousticModel(contents)
        return model, GreedyDecoder(model.alphabet, model.frame_seconds, spec.calibration)
    # Imported here because it takes 25 ms, which greedy decoding can save.
    from speechlstm.decoding.assemble import DecoderAssembly

    assembly = DecoderAssembly(spec, contents.acoustic.alphabet, contents.acoustic.phones)
    model = LiteRTAcousticModel(contents, phones=assembly.reads_phones)
    return model, assembly.decoder(model.frame_seconds)


def _writer(
    contents: Bundle, readable: bool | None, settings: Mapping[str, Any]
) -> "ReadableWriter | None":
    """The writer of readable text; hot words are written as the user writes them."""
    path = contents.decoder.punctuator
    if readable and not path:
        raise BundleError(
            contents.path,
            "has no network for readable text (punctuator.tflite); leave out --readable",
        )
    if readable is False or not path:
        return None
    from speechlstm.readable.writer import ReadableWriter  # 20 ms

    phrases = " ".join(word.phrase for word in read_hot_words(settings.get("hot_words", ())))
    casing = {word.text: word.written for word in marked_words(phrases)}
    return ReadableWriter(path, {text: way for text, way in casing.items() if way != text})


def _diarizer(speakers: int | Literal["auto"] | None, bundle: StrPath | None) -> "Diarizer | None":
    """What tells speakers apart, if that is wanted."""
    if speakers is None:
        if bundle is not None:
            raise ConfigError("speaker_bundle: has no effect without speakers")
        return None
    from speechlstm.diarization import Diarizer

    return Diarizer.load(bundle, None if speakers == "auto" else speakers)
