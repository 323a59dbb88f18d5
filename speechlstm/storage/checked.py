"""JSON objects that hold a checksum of themselves, so that a changed digit shows."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

from speechlstm.storage.files import parse_json

_CHECKSUM = "crc32"  # of all other values, in hexadecimal digits


def dump_checked(values: Mapping[str, Any]) -> str:
    """Values that JSON can represent, as a text of several lines with their checksum.

    >>> print(dump_checked({"num_epochs": 3}), end="")
    {
      "num_epochs": 3,
      "crc32": "b761ebfb"
    }
    """
    return json.dumps({**values, _CHECKSUM: _checksum(values)}, indent=2) + "\n"


def parse_checked(text: str | bytes) -> dict[str, Any]:
    """The values in a text that dump_checked has returned; without a checksum, none is verified.

    Raises:
        ValueError: It is not the text of an object, or the checksum is not that of the values.
    """
    values = parse_json(text)
    if not isinstance(values, dict):
        raise ValueError("not a JSON object")
    expected = values.pop(_CHECKSUM, None)
    if expected is not None and expected != _checksum(values):
        raise ValueError(
            f"its checksum differs: restore it; if you have edited it, remove {_CHECKSUM} from it"
        )
    return values


def _checksum(values: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(values, sort_keys=True).encode()):08x}"
