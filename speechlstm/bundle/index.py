"""bundle.json: converts the descriptions of a bundle's models to JSON and back."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, cast, get_args

from speechlstm import __version__
from speechlstm.bundle.decoder import DECODER_FILES
from speechlstm.bundle.spec import (
    MODEL,
    PORTABLE_MODEL,
    STREAMING_MODEL,
    AcousticSpec,
    ClassifierSpec,
)
from speechlstm.bundle.values import (
    alphabet_to_json,
    expect_keys,
    read_alphabet,
    read_config,
    read_mapping,
)
from speechlstm.config import FeatureConfig, LabelField, NetworkConfig
from speechlstm.errors import BundleError, ConfigError, quoted

FORMAT_VERSION = 1
# Those of a bundle.json which lists the portable model, or the streaming model, which older
# versions do not know. The description inside the models is the same as before.
PORTABLE_FORMAT_VERSION = 2
STREAMING_FORMAT_VERSION = 3

INDEX = "bundle.json"
CARD = "README.md"  # notes for people; without a checksum, so that they can be edited
WHOLE_MODELS = {MODEL, PORTABLE_MODEL}  # forms of the same model, one of which is needed
MODELS = {*WHOLE_MODELS, STREAMING_MODEL}
FILES = {INDEX, *MODELS, *DECODER_FILES.values()}
_KEYS = {"format_version", "writer", "features", "alphabet", "model", "training"}

_TASK, _CLASSIFY = "task", "classify"  # only classifiers have this key
_CLASSIFIER_KEYS = {
    "format_version", "writer", _TASK, "features", "classes", "label", "model", "training",
}  # fmt: skip


def acoustic_to_json(acoustic: AcousticSpec) -> dict[str, Any]:
    """The description of an acoustic model as JSON values; the .tflite file holds a copy of it."""
    description = {
        "format_version": FORMAT_VERSION,
        "writer": f"speechlstm {__version__}",
        "features": acoustic.features.to_dict(),
        "alphabet": alphabet_to_json(acoustic.alphabet),
        "model": _network_to_json(acoustic.network),
        "training": acoustic.training,
    }
    if acoustic.phones:
        description["phones"] = alphabet_to_json(acoustic.phones)
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
        expect_keys("", description, _KEYS | ({"phones"} & description.keys()))
        return AcousticSpec(
            read_config(FeatureConfig, description["features"]),
            read_alphabet("alphabet", description["alphabet"]),
            read_config(NetworkConfig, description["model"]),
            read_alphabet("phones", description["phones"]) if "phones" in description else None,
            read_mapping("training", description["training"]),
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
        expect_keys("", description, _CLASSIFIER_KEYS)
        if description[_TASK] != _CLASSIFY:
            raise ConfigError(f"{_TASK}: must be {_CLASSIFY!r}, is {quoted(description[_TASK])}")
        return ClassifierSpec(
            read_config(FeatureConfig, description["features"]),
            _classes(description["classes"]),
            _label(description["label"]),
            read_config(NetworkConfig, description["model"]),
            read_mapping("training", description["training"]),
        )
    except ConfigError as error:
        raise BundleError(where, str(error)) from None


def _classes(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) < 2:
        raise ConfigError(f"classes: must be a list of at least 2 names, is {quoted(values)}")
    for value in values:
        if not isinstance(value, str) or not value:
            raise ConfigError(f"classes: must be a non-empty string, is {quoted(value)}")
    if len({*values}) < len(values):
        raise ConfigError("classes: a name is in the list twice")
    return tuple(values)


def _label(value: object) -> LabelField:
    if value not in get_args(LabelField):
        known = ", ".join(get_args(LabelField))
        raise ConfigError(f"label: must be one of {known}, is {quoted(value)}")
    return cast(LabelField, value)


def format_version(files: Collection[str]) -> int:
    """The format version of a bundle.json that lists these files."""
    if STREAMING_MODEL in files:
        return STREAMING_FORMAT_VERSION
    return PORTABLE_FORMAT_VERSION if PORTABLE_MODEL in files else FORMAT_VERSION


def check_version(
    where: Path, description: Mapping[str, Any], expected: int = FORMAT_VERSION
) -> None:
    """Refuse a description that has another format version.

    Args:
        where: The file with the description, for errors.
        expected: The format version that it should have.

    Raises:
        BundleError: The format version is another one, or there is none.
    """
    if "format_version" not in description:
        raise BundleError(where, "format_version: missing; not a bundle")
    version = description["format_version"]
    if version != expected:
        raise BundleError(
            where,
            f"has format version {quoted(version)}; this speechlstm reads {expected}; "
            "install the one that wrote it, or export the model again",
        )


def _network_to_json(network: NetworkConfig) -> dict[str, Any]:
    """Its settings; the look-ahead only if there is one, since older versions do not know it."""
    return {key: value for key, value in network.to_dict().items() if key != "lookahead" or value}
