"""Objects in the lines of a JSON file, which may be compressed."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from speechlstm.errors import ManifestError
from speechlstm.storage import open_regular_file, parse_json, utf8_lines

_LONGEST_LINE = 1 << 24  # bytes; a compressed line may be much longer than its file


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any] | ManifestError]]:
    """The object in each line of a file, or the error in the line. Numbers are floats.

    Raises:
        ManifestError: The file cannot be read, or a line is longer than 16 MB.
    """
    number = 0
    try:
        with ExitStack() as stack:
            file: Any = stack.enter_context(open_regular_file(path))
            if path.suffix == ".gz":
                file = stack.enter_context(gzip.open(file))
            for content in utf8_lines(file, _LONGEST_LINE):
                number += 1
                if content.strip():
                    yield number, _parsed(path, number, content)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise ManifestError(path, f"cannot be read: {reason}") from None
    except ValueError as error:
        raise ManifestError(path, f"{error}", number + 1) from None


def _parsed(path: Path, number: int, content: bytes) -> dict[str, Any] | ManifestError:
    try:
        values = parse_json(content, integers_as_floats=True)
    except ValueError as error:
        return ManifestError(path, str(error), number)
    if not isinstance(values, dict):
        return ManifestError(path, "not a JSON object", number)
    return values


def name_of(value: Any) -> str | None:
    """An id or a speaker's name as a string; numbers as they stand in the file, nothing as None.

    >>> name_of(12.0), name_of("anna"), name_of("")
    ('12', 'anna', None)
    """
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None or value == "" else str(value)


def first_object(path: Path) -> dict[str, Any]:
    """The object in the first line of a file; empty if there is none."""
    if not path.name.endswith((".json", ".jsonl", ".jsonl.gz", ".json.gz")):
        return {}
    try:
        _, values = next(objects(path), (0, {}))
    except ManifestError:
        return {}
    return values if isinstance(values, dict) else {}
