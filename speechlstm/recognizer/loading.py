"""From a bundle and the arguments of `Recognizer.load` to an acoustic model and a decoder."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, Final, Literal

from speechlstm.acoustic import AcousticModel, LiteRTAcousticModel
from speechlstm.bundle import find_bundle, read_bundle
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.spec import with_arguments
from speechlstm.errors import ConfigError


class _Default(Enum):
    """The default of arguments for which None means "no model"."""

    FROM_BUNDLE = "from the bundle"

    def __repr__(self) -> str:  # shown in the signature by help()
        return f"<{self.value}>"


FROM_BUNDLE: Final = _Default.FROM_BUNDLE
ModelFile = Path | str | Literal[_Default.FROM_BUNDLE] | None


def given_arguments(models: Mapping[str, ModelFile], **others: Any) -> dict[str, Any]:
    """Those arguments of `Recognizer.load` that differ from their defaults.

    Args:
        models: The arguments whose default is FROM_BUNDLE.
        others: The arguments whose default is None.
    """
    given = {name: value for name, value in others.items() if value is not None}
    return given | {name: file for name, file in models.items() if file is not FROM_BUNDLE}


def load_models(
    bundle: Path | str | None, greedy: bool, changes: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[AcousticModel, Decoder]:
    """The acoustic model of a bundle and its decoder.

    Args:
        bundle: The name, the folder or the .tflite file of the bundle.
        greedy: Whether to decode by the best path even if the bundle has a language model.
        changes: The arguments decoding, lm, neural_lm, neural_lm_weight and neural_lm_mode of
            `Recognizer.load`, as far as they were given.
        settings: Single settings of `DecodeConfig` that replace those of the bundle.

    Raises:
        BundleError: The bundle is missing, damaged or of another format version.
        LanguageModelError: A language model is damaged, or was built for another alphabet.
        ConfigError: A setting is unknown or out of range, or has no effect on greedy decoding.
    """
    given = [*settings, *(key for key, value in changes.items() if value is not None)]
    if greedy and given:
        raise ConfigError(
            f"greedy decoding does not use {', '.join(given)}; leave out one or the other"
        )
    contents = read_bundle(find_bundle(bundle))
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
