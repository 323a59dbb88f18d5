"""What every setting has in common: frozen, self-checking, named in errors as users write it."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from types import UnionType
from typing import Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from speechlstm.errors import ConfigError, quoted

Precision = Literal["float32", "bfloat16", "float16"]


_KINDS = {bool: "true or false", int: "a whole number", float: "a finite number", str: "a text"}


def _accepts(kind: Any, value: Any) -> bool:
    if get_origin(kind) is Literal:
        return value in get_args(kind)
    if get_origin(kind) is UnionType:
        return any(_accepts(k, value) for k in get_args(kind))
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return isinstance(value, tuple) and all(_accepts(item, v) for v in value)
    if kind is float:
        # A whole number is a fine float; NaN, infinity and integers beyond them never are.
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= sys.maxsize
    return isinstance(value, kind)


def _describe(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    if get_origin(kind) is tuple:
        return "a list"
    return _KINDS.get(kind, str(kind))


class Config:
    """Base of the settings: checks types, reads and writes plain mappings."""

    section: ClassVar[str]

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for f in fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if not _accepts(hints[f.name], value):
                self._refuse(f.name, f"must be {_describe(hints[f.name])}, is {quoted(value)}")
        self._check()

    def _check(self) -> None:
        """Refuse values out of range; types have been checked."""

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
        """Settings from a mapping; keys left out take their defaults.

        Raises:
            ConfigError: An unknown key (the known ones are named), a wrong type or range.
        """
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
