"""The settings and files of a decoder, as bundle.json lists them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from speechlstm.bundle.spec import AcousticSpec
from speechlstm.bundle.values import expect_keys, read_config, read_mapping
from speechlstm.config import Config, DecodeConfig, NeuralLMConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec, FastDecoding
from speechlstm.errors import BundleError, ConfigError

# By the field of DecoderSpec.
DECODER_FILES = {
    "lm": "lm.ngram",
    "neural_lm": "rescorer.tflite",
    "lexicon": "lexicon.tree",
    "g2p": "pronouncer.tflite",
    "punctuator": "punctuator.tflite",
}
# By the field of DecoderSpec: key in bundle.json and type.
_SETTINGS: dict[str, tuple[str, type[Config]]] = {
    "config": ("decoding", DecodeConfig),
    "calibration": ("calibration", Calibration),
    "prior": ("prior", Prior),
}
_NEURAL_LM = "rescoring"  # the key of neural_lm_config, which is written in another form
_FAST = "fast"  # the key of fast, which has keys of its own
DECODER_KEYS = {_NEURAL_LM, _FAST, *(key for key, _ in _SETTINGS.values())}


def decoder_to_json(decoder: DecoderSpec) -> dict[str, Any]:
    """The settings of a decoder as JSON values."""
    settings = {key: getattr(decoder, field) for field, (key, _) in _SETTINGS.items()}
    description = {key: value.to_dict() for key, value in settings.items() if value is not None}
    if decoder.neural_lm:
        config = decoder.neural_lm_config
        description[_NEURAL_LM] = {"weight": config.weight, "shallow_fusion": config.mode == "fuse"}
        if config.context_words:  # 0.1.0 reads bundles without it
            description[_NEURAL_LM]["context_words"] = config.context_words
    if decoder.fast:
        description[_FAST] = {
            key: values.to_dict()
            for key, values in (
                (DecodeConfig.section, decoder.fast.config),
                (Calibration.section, decoder.fast.calibration),
            )
            if values
        }
    return description


def decoder_from_json(
    where: Path, settings: Mapping[str, Any], files: Mapping[str, Path], acoustic: AcousticSpec
) -> DecoderSpec:
    """The decoder of a bundle from its settings.

    Args:
        where: The file with the settings, for errors.
        settings: JSON values as returned by decoder_to_json.
        files: The files of the bundle, by name.

    Raises:
        BundleError: A setting is missing, unknown or wrong.
    """
    try:
        found: dict[str, Config] = {
            field: read_config(kind, settings[key])
            for field, (key, kind) in _SETTINGS.items()
            if key in settings
        }
        if _NEURAL_LM in settings:
            found["neural_lm_config"] = _neural_lm_config(settings[_NEURAL_LM])
        fast = _fast(settings[_FAST]) if _FAST in settings else None
    except ConfigError as error:
        raise BundleError(where, str(error)) from None
    paths = {field: files.get(name) for field, name in DECODER_FILES.items()}
    decoder = DecoderSpec(**paths, **found, fast=fast)  # type: ignore[arg-type]
    labels = acoustic.lexicon_alphabet if decoder.lexicon else acoustic.alphabet
    if decoder.prior and len(decoder.prior.log_probs) != labels.num_labels:
        raise BundleError(
            where,
            f"prior: has {len(decoder.prior.log_probs)} labels, the model {labels.num_labels}",
        )
    return decoder


def _neural_lm_config(values: object) -> NeuralLMConfig:
    mapping = read_mapping(_NEURAL_LM, values)
    mapping = {"context_words": 0, **mapping}
    expect_keys(_NEURAL_LM, mapping, {"weight", "shallow_fusion", "context_words"})
    if not isinstance(is_fused := mapping["shallow_fusion"], bool):
        raise ConfigError(
            f"{_NEURAL_LM}.shallow_fusion: must be true or false, is {is_fused!r:.40}"
        )
    return NeuralLMConfig(
        mapping["weight"], "fuse" if is_fused else "rescore", mapping["context_words"]
    )


def _fast(values: object) -> FastDecoding:
    mapping = read_mapping(_FAST, values)
    keys = {DecodeConfig.section, Calibration.section} & {DecodeConfig.section, *mapping}
    expect_keys(_FAST, mapping, keys)
    config = read_config(DecodeConfig, mapping[DecodeConfig.section])
    calibration = mapping.get(Calibration.section)
    return FastDecoding(config, calibration and read_config(Calibration, calibration))
