"""`Config`, the base class of all settings."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, ClassVar, Literal, Self, get_type_hints

from speechlstm.arguments import check_argument, plain
from speechlstm.errors import ConfigError, quoted

Precision = Literal["float32", "bfloat16", "float16"]
LabelField = Literal["label", "speaker", "text"]  # fields of a manifest that may hold classes


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
            check_argument(f"{self.section}.{f.name}", value, hints[f.name])
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
