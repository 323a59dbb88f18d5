"""`Config`, the base class of all settings."""

import numbers
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from types import UnionType
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from speechlstm.errors import ConfigError, quoted

Precision = Literal["float32", "bfloat16", "float16"]
LabelField = Literal["label", "speaker", "text"]  # fields of a manifest that may hold classes


_KINDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a string"}


def _accepts(kind: Any, value: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is UnionType:
        return any(_accepts(k, value) for k in get_args(kind))
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return isinstance(value, tuple) and all(_accepts(item, v) for v in value)
    if kind is float:
        # Whole numbers are accepted too; NaN, infinity and integers too large for a float are not.
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= sys.maxsize
    return isinstance(value, kind)


def plain(value: Any) -> Any:
    """A number of NumPy as Python's own, which JSON can hold."""
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def _describe(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    if get_origin(kind) is tuple:
        return "a list"
    return _KINDS.get(kind, str(kind))


class Config:
    """Base class of settings: checks types and ranges, converts from and to plain dicts.

    Numbers of NumPy are accepted and become Python's own.

    Attributes:
        section: The section of a configuration file that the settings belong to.

    Raises:
        ConfigError: A value has the wrong type or is out of range.
    """

    section: ClassVar[str]

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for f in fields(self):  # type: ignore[arg-type]
            value = plain(getattr(self, f.name))
            object.__setattr__(self, f.name, value)
            if not _accepts(hints[f.name], value):
                self._refuse(f.name, f"must be {_describe(hints[f.name])}, is {quoted(value)}")
        self._check()

    def _check(self) -> None:
        """Refuse values that are out of range; called once the types have been checked."""

    def _refuse(self, key: str, reason: str) -> None:
        raise ConfigError(f"{self.section}.{key}: {reason}")

    def _at_least(self, minimum: float, *keys: str) -> None:
        for key in keys:
            if getattr(self, key) < minimum:
                self._refuse(key, f"must be at least {minimum}, is {getattr(self, key)}")

    def _above_zero(self, *keys: str) -> None:
        for key in keys:
            if getattr(self, key) <= 0:
                self._refuse(key, f"must be greater than 0, is {getattr(self, key)}")

    def _fraction(self, *keys: str) -> None:
        for key in keys:
            if not 0 <= getattr(self, key) <= 1:
                self._refuse(key, f"must be in [0, 1], is {getattr(self, key)}")

    def _share(self, *keys: str) -> None:
        for key in keys:
            if not 0 <= getattr(self, key) < 1:
                self._refuse(key, f"must be in [0, 1), is {getattr(self, key)}")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Settings from a mapping; keys that are missing take their defaults.

        Raises:
            ConfigError: It is no mapping, a key is unknown (the message lists the known ones), or a
                value has the wrong type or is out of range.
        """
        if not isinstance(values, Mapping):
            raise ConfigError(f"{cls.section}: must be a table, is {quoted(values)}")
        known = [f.name for f in fields(cls)]  # type: ignore[arg-type]
        for key in values:
            if key not in known:
                raise ConfigError(
                    f"{cls.section}.{key}: unknown setting; known are {', '.join(known)}"
                )
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]
