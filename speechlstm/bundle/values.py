"""Alphabets and settings as values of bundle.json. What is wrong raises ConfigError."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from speechlstm.config import Config, DecodeConfig, NetworkConfig
from speechlstm.errors import ConfigError, quoted
from speechlstm.text.alphabet import BLANK, Alphabet

AnyConfig = TypeVar("AnyConfig", bound=Config)

# Settings that older bundles lack, by section, with what they meant there.
_ADDED: dict[str, dict[str, Any]] = {
    NetworkConfig.section: {"lookahead": 0},
    DecodeConfig.section: {"sentence_pause": 0.0},
}


def alphabet_to_json(alphabet: Alphabet) -> dict[str, Any]:
    """An alphabet as JSON values."""
    return {"symbols": alphabet.symbols, "separator": alphabet.separator, "blank": BLANK}


def read_config(kind: type[AnyConfig], values: object) -> AnyConfig:
    """Settings, all of which must be there."""
    # Config would fill in defaults, but the model may have been trained with other values.
    keys = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    given = _ADDED.get(kind.section, {}) | dict(read_mapping(kind.section, values))
    return kind.from_dict(expect_keys(kind.section, given, keys))


def read_alphabet(name: str, values: object) -> Alphabet:
    """An alphabet from what alphabet_to_json returns."""
    mapping = read_mapping(name, values)
    expect_keys(name, mapping, {"symbols", "separator", "blank"})
    symbols, separator, blank = mapping["symbols"], mapping["separator"], mapping["blank"]
    if not isinstance(symbols, list) or not all(isinstance(s, str) for s in [*symbols, separator]):
        raise ConfigError(f"{name}: symbols must be a list of strings, separator a string")
    if blank != BLANK:
        raise ConfigError(f"{name}.blank: must be {BLANK}, is {quoted(blank)}")
    return Alphabet(tuple(symbols), separator)


def read_mapping(name: str, values: object) -> Mapping[str, Any]:
    """An object of JSON."""
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: must be an object, is {quoted(values)}")
    return values


def expect_keys(name: str, values: Mapping[str, Any], keys: set[str]) -> Mapping[str, Any]:
    """The values, once it is known that they have these keys and no others."""
    different = sorted(keys ^ set(values))
    if different:
        verb = "missing" if different[0] in keys else "unknown"
        raise ConfigError(f"{name}.{different[0]}: {verb}".lstrip("."))
    return values
