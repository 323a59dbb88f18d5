"""Random damage of bytes, texts and JSON values."""

import copy
from collections.abc import Iterator
from typing import Any

from numpy.random import Generator

NUMBERS = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 65535, 65536, 2**31 - 1, -(2**31), 2**31)
_WORDS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0")
VALUES: tuple[Any, ...] = (
    None, True, False, "", "x", "\0", "\n", "\x1b[31m", "\u202e", "a" * 200_000, [], {}, [[]],
    0, -1, 1, 0.5, 1e-300, 1e300, 10**18, 10**400, 2**63, -(2**63), "..", "/dev/zero", "é",
)  # fmt: skip
HOSTILE = (  # strings to insert into texts
    b"\0", b"\x1b[31m", b"\xff\xfe", "\u202e\u200b\u0301".encode(), b"\r", b"\t", b"'", b'"',
    b"9" * 5000, b"-1", b"1e999", b"nan", b"[" * 100_000, b"a" * 200_000, b"\\ud800", b"{}", b"",
    b"\\data\\", b"</s>", b"<unk>", b"word(2)", b";;;", b"../../etc", b"\xef\xbb\xbf", b"a " * 5000,
)  # fmt: skip


def damaged(rng: Generator, data: bytes) -> bytes:
    """Change, insert, remove or repeat some bytes."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        size = len(changed)
        if not size:
            break
        at = int(rng.integers(size) ** 2 // size) if rng.random() < 0.5 else int(rng.integers(size))
        kind = rng.integers(7)
        if kind == 0:
            changed[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            changed[at] = int(rng.integers(256))
        elif kind == 2:
            at -= at % 4
            changed[at : at + 4] = _WORDS[rng.integers(len(_WORDS))][: size - at]
        elif kind == 3:
            del changed[at:]
        elif kind == 4:
            del changed[at : at + int(rng.integers(1, 64))]
        elif kind == 5:
            stop = at + int(rng.integers(1, 64))
            changed[at:at] = changed[at:stop]
        else:
            changed[at:at] = rng.bytes(int(rng.integers(1, 16)))
    return bytes(changed)


def spliced(rng: Generator, data: bytes, pieces: tuple[bytes, ...]) -> bytes:
    """Insert strings into a text, repeat and remove lines, and sometimes damage bytes."""
    lines = data.splitlines(keepends=True) or [b""]
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(lines)))
        kind = rng.integers(5)
        piece = pieces[rng.integers(len(pieces))]
        if kind == 0:
            cut = int(rng.integers(len(lines[at]) + 1))
            lines[at] = lines[at][:cut] + piece + lines[at][cut:]
        elif kind == 1:
            lines[at] = piece + b"\n"
        elif kind == 2:
            lines[at:at] = [lines[int(rng.integers(len(lines)))]]
        elif kind == 3:
            fields = lines[at].split(b" ")
            fields[int(rng.integers(len(fields)))] = piece
            lines[at] = b" ".join(fields)
        elif len(lines) > 1:
            del lines[at]
    text = b"".join(lines)
    return damaged(rng, text) if rng.random() < 0.2 else text


def changed_json(rng: Generator, values: Any) -> Any:
    """Replace, remove or rename some of the values."""
    values = copy.deepcopy(values)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(values))
        if not places:
            break
        owner, key = places[rng.integers(len(places))]
        kind = rng.integers(4)
        if kind == 0:
            del owner[key]
        elif kind == 1 and isinstance(owner, dict):
            owner[str(VALUES[rng.integers(len(VALUES))])] = owner.pop(key)
        else:
            owner[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    return values


def _places(values: Any) -> Iterator[tuple[Any, Any]]:
    items = (
        values.items()
        if isinstance(values, dict)
        else enumerate(values)
        if isinstance(values, list)
        else ()
    )
    for key, value in items:
        yield values, key
        yield from _places(value)
