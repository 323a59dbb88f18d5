"""bundle.json: converts the descriptions of a bundle's models and settings to JSON and back."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from speechlstm import __version__
from speechlstm.bundle.spec import (
    MODEL,
    PORTABLE_MODEL,
    STREAMING_MODEL,
    AcousticSpec,
    ClassifierSpec,
)
from speechlstm.config import (
    Config,
    DecodeConfig,
    FeatureConfig,
    LabelField,
    NetworkConfig,
    NeuralLMConfig,
)
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec, FastDecoding
from speechlstm.errors import BundleError, ConfigError, quoted
from speechlstm.text.alphabet import BLANK, Alphabet

FORMAT_VERSION = 1
# Those of a bundle.json which lists the portable model, or the streaming model, which older
# versions do not know. The description inside the models is the same as before.
PORTABLE_FORMAT_VERSION = 2
STREAMING_FORMAT_VERSION = 3

INDEX = "bundle.json"
CARD = "README.md"  # notes for people; without a checksum, so that they can be edited
# The files of a decoder, by the field of DecoderSpec.
DECODER_FILES = {
    "lm": "lm.ngram",
    "neural_lm": "rescorer.tflite",
    "lexicon": "lexicon.tree",
    "g2p": "pronouncer.tflite",
    "punctuator": "punctuator.tflite",
}
WHOLE_MODELS = {MODEL, PORTABLE_MODEL}  # forms of the same model, one of which is needed
MODELS = {*WHOLE_MODELS, STREAMING_MODEL}
FILES = {INDEX, *MODELS, *DECODER_FILES.values()}
# The settings of a decoder, by the field of DecoderSpec: key in bundle.json and type.
_SETTINGS: dict[str, tuple[str, type[Config]]] = {
    "config": ("decoding", DecodeConfig),
    "calibration": ("calibration", Calibration),
    "prior": ("prior", Prior),
}
_NEURAL_LM = "rescoring"  # the key of neural_lm_config, which is written in another form
_FAST = "fast"  # the key of fast, which has keys of its own
DECODER_KEYS = {_NEURAL_LM, _FAST, *(key for key, _ in _SETTINGS.values())}
_LOOKAHEAD = "lookahead"  # the key of the network that may be missing
# Settings that older bundles lack, by section, with what they meant there.
_ADDED: dict[str, dict[str, Any]] = {
    NetworkConfig.section: {_LOOKAHEAD: 0},
    DecodeConfig.section: {"sentence_pause": 0.0},
}
_KEYS = {"format_version", "writer", "features", "alphabet", "model", "training"}

_TASK, _CLASSIFY = "task", "classify"  # only classifiers have this key
_CLASSIFIER_KEYS = {
    "format_version", "writer", _TASK, "features", "classes", "label", "model", "training",
}  # fmt: skip

AnyConfig = TypeVar("AnyConfig", bound=Config)


def acoustic_to_json(acoustic: AcousticSpec) -> dict[str, Any]:
    """The description of an acoustic model as JSON values; the .tflite file holds a copy of it."""
    description = {
        "format_version": FORMAT_VERSION,
        "writer": f"speechlstm {__version__}",
        "features": acoustic.features.to_dict(),
        "alphabet": _alphabet_to_json(acoustic.alphabet),
        "model": _network_to_json(acoustic.network),
        "training": acoustic.training,
    }
    if acoustic.phones:
        description["phones"] = _alphabet_to_json(acoustic.phones)
    return description


def acoustic_from_json(where: Path, description: Mapping[str, Any]) -> AcousticSpec:
    """The acoustic model from its description.

    Args:
        where: The file with the description, for errors.
        description: JSON values as returned by acoustic_to_json.

    Raises:
        BundleError: The format version is another, or a value is missing, unknown or wrong.
    """
    check_version(where, description)
    try:
        _expect_keys("", description, _KEYS | ({"phones"} & description.keys()))
        return AcousticSpec(
            _config(FeatureConfig, description["features"]),
            _alphabet("alphabet", description["alphabet"]),
            _config(NetworkConfig, description["model"]),
            _alphabet("phones", description["phones"]) if "phones" in description else None,
            _mapping("training", description["training"]),
        )
    except ConfigError as error:
        raise BundleError(where, str(error)) from None


def classifier_to_json(spec: ClassifierSpec) -> dict[str, Any]:
    """The description of a classifier as JSON values; the .tflite file holds a copy of it."""
    return {
        "format_version": FORMAT_VERSION,
        "writer": f"speechlstm {__version__}",
        _TASK: _CLASSIFY,
        "features": spec.features.to_dict(),
        "classes": list(spec.classes),
        "label": spec.label,
        "model": _network_to_json(spec.network),
        "training": spec.training,
    }


def is_classifier(description: Mapping[str, Any]) -> bool:
    """Whether a description is that of a classifier, or of another task that is not known."""
    return _TASK in description


def classifier_from_json(where: Path, description: Mapping[str, Any]) -> ClassifierSpec:
    """The classifier from its description.

    Args:
        where: The file with the description, for errors.
        description: JSON values as returned by classifier_to_json.

    Raises:
        BundleError: The format version is another, or a value is missing, unknown or wrong.
    """
    check_version(where, description)
    try:
        _expect_keys("", description, _CLASSIFIER_KEYS)
        if description[_TASK] != _CLASSIFY:
            raise ConfigError(f"{_TASK}: must be {_CLASSIFY!r}, is {quoted(description[_TASK])}")
        return ClassifierSpec(
            _config(FeatureConfig, description["features"]),
            _classes(description["classes"]),
            _label(description["label"]),
            _config(NetworkConfig, description["model"]),
            _mapping("training", description["training"]),
        )
    except ConfigError as error:
        raise BundleError(where, str(error)) from None


def _classes(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) < 2:
        raise ConfigError(f"classes: must be a list of at least 2 names, is {quoted(values)}")
    classes = tuple(_string("classes", value) for value in values)
    if len({*classes}) < len(classes):
        raise ConfigError("classes: a name is in the list twice")
    return classes


def _label(value: object) -> LabelField:
    if value not in get_args(LabelField):
        known = ", ".join(get_args(LabelField))
        raise ConfigError(f"label: must be one of {known}, is {quoted(value)}")
    return cast(LabelField, value)


def _string(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{name}: must be a non-empty string, is {quoted(value)}")
    return value


def format_version(files: Collection[str]) -> int:
    """The format version of a bundle.json that lists these files."""
    if STREAMING_MODEL in files:
        return STREAMING_FORMAT_VERSION
    return PORTABLE_FORMAT_VERSION if PORTABLE_MODEL in files else FORMAT_VERSION


def decoder_to_json(decoder: DecoderSpec) -> dict[str, Any]:
    """The settings of a decoder as JSON values."""
    settings = {key: getattr(decoder, field) for field, (key, _) in _SETTINGS.items()}
    description = {key: value.to_dict() for key, value in settings.items() if value is not None}
    if decoder.neural_lm:
        config = decoder.neural_lm_config
        description[_NEURAL_LM] = {
            "weight": config.weight,
            "shallow_fusion": config.mode == "fuse",
        }
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
        acoustic: The acoustic model.

    Raises:
        BundleError: A setting is missing, unknown or wrong.
    """
    try:
        found: dict[str, Config] = {
            field: _config(kind, settings[key])
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


def check_version(
    where: Path, description: Mapping[str, Any], expected: int = FORMAT_VERSION
) -> None:
    """Refuse a description that has another format version.

    Args:
        where: The file with the description, for errors.
        description: The description.
        expected: The format version that it should have.

    Raises:
        BundleError: The format version is another one, or there is none.
    """
    if "format_version" not in description:
        raise BundleError(where, "format_version: missing; not a bundle")
    version = description["format_version"]
    if version != expected:
        raise BundleError(
            where, f"has format version {quoted(version)}; this speechlstm reads {expected}"
        )


def _network_to_json(network: NetworkConfig) -> dict[str, Any]:
    """Its settings; the look-ahead only if there is one, since older versions do not know it."""
    return {key: value for key, value in network.to_dict().items() if key != _LOOKAHEAD or value}


def _alphabet_to_json(alphabet: Alphabet) -> dict[str, Any]:
    return {"symbols": alphabet.symbols, "separator": alphabet.separator, "blank": BLANK}


def _config(kind: type[AnyConfig], values: object) -> AnyConfig:
    # Config would fill in defaults, but the model may have been trained with other values.
    keys = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    given = _ADDED.get(kind.section, {}) | dict(_mapping(kind.section, values))
    return kind.from_dict(_expect_keys(kind.section, given, keys))


def _neural_lm_config(values: object) -> NeuralLMConfig:
    mapping = _mapping(_NEURAL_LM, values)
    mapping = {"context_words": 0, **mapping}
    _expect_keys(_NEURAL_LM, mapping, {"weight", "shallow_fusion", "context_words"})
    if not isinstance(is_fused := mapping["shallow_fusion"], bool):
        raise ConfigError(
            f"{_NEURAL_LM}.shallow_fusion: must be true or false, is {is_fused!r:.40}"
        )
    return NeuralLMConfig(
        mapping["weight"], "fuse" if is_fused else "rescore", mapping["context_words"]
    )


def _fast(values: object) -> FastDecoding:
    mapping = _mapping(_FAST, values)
    keys = {DecodeConfig.section, Calibration.section} & {DecodeConfig.section, *mapping}
    _expect_keys(_FAST, mapping, keys)
    config = _config(DecodeConfig, mapping[DecodeConfig.section])
    calibration = mapping.get(Calibration.section)
    return FastDecoding(config, calibration and _config(Calibration, calibration))


def _alphabet(name: str, values: object) -> Alphabet:
    mapping = _mapping(name, values)
    _expect_keys(name, mapping, {"symbols", "separator", "blank"})
    symbols, separator, blank = mapping["symbols"], mapping["separator"], mapping["blank"]
    if not isinstance(symbols, list) or not all(isinstance(s, str) for s in [*symbols, separator]):
        raise ConfigError(f"{name}: symbols must be a list of strings, separator a string")
    if blank != BLANK:
        raise ConfigError(f"{name}.blank: must be {BLANK}, is {quoted(blank)}")
    return Alphabet(tuple(symbols), separator)


def _mapping(name: str, values: object) -> Mapping[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: must be an object, is {quoted(values)}")
    return values


def _expect_keys(name: str, values: Mapping[str, Any], keys: set[str]) -> Mapping[str, Any]:
    different = sorted(keys ^ set(values))
    if different:
        verb = "missing" if different[0] in keys else "unknown"
        raise ConfigError(f"{name}.{different[0]}: {verb}".lstrip("."))
    return values
