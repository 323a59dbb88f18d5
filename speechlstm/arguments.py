"""Types of arguments and settings, checked at the door: what is wrong is named, in one line."""

import numbers
import sys
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from speechlstm.errors import ConfigError, quoted

StrPath = str | PathLike[str]  # a path: a string, a Path, or what else has __fspath__

_KINDS = {
    bool: "true or false", int: "a whole number", float: "a finite number", str: "a string",
    Path: "a path", NoneType: "None",
}  # fmt: skip


def check_argument(name: str, value: Any, kind: Any) -> None:
    """Refuse an argument of another type than it has to have; numbers of NumPy are numbers.

    >>> check_argument("endpoint_seconds", "0.5", float | None)
    Traceback (most recent call last):
    ...
    speechlstm.errors.ConfigError: endpoint_seconds: must be a finite number or None, is '0.5'

    Args:
        kind: A class, a union of classes, a Literal, or a tuple of any number of items.

    Raises:
        ConfigError: The value is of another type.
    """
    if not accepts(kind, plain(value)):
        raise ConfigError(f"{name}: must be {described(kind)}, is {quoted(value)}")


def accepts(kind: Any, value: Any) -> bool:
    """Whether a value, with Python's own numbers, is of a type."""
    if get_origin(kind) is Literal:
        return isinstance(value, str | int | float) and value in get_args(kind)
    if get_origin(kind) is UnionType:
        return any(accepts(k, value) for k in get_args(kind))
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return isinstance(value, tuple) and all(accepts(item, v) for v in value)
    if kind is float:
        # Whole numbers are accepted too; NaN, infinity and integers too large for a float are not.
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= sys.maxsize
    return isinstance(value, kind)


def plain(value: Any) -> Any:
    """A number or truth value of NumPy as Python's own, which JSON can hold."""
    if isinstance(value, bool):
        return value
    numpy = sys.modules.get("numpy")  # not imported: `speechlstm --help` does without
    if numpy and isinstance(value, numpy.bool_):
        return bool(value)
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def described(kind: Any) -> str:
    """A type in words."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(repr, get_args(kind)))
    if get_origin(kind) is UnionType:
        return " or ".join(map(described, get_args(kind)))
    if get_origin(kind) is tuple:
        return "a list"
    return _KINDS.get(kind, f"a {kind.__name__}")
