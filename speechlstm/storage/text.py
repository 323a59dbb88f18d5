"""Text files that people write: UTF-8, or UTF-16 with its mark, as Windows writes it."""

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from speechlstm.storage.files import read_bounded

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_LINE = 10**8  # bytes; a line of JSON may hold the transcript of many hours
_LONGEST_UTF16 = 1 << 30  # bytes of a text that is converted as a whole
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_ZEROS = "has zero bytes: not a text, or UTF-16 without its mark; save texts as UTF-8"


def decode_text(content: bytes) -> str:
    """The text in a file's content.

    >>> decode_text("ja".encode("utf-16")), decode_text(b"ja")
    ('ja', 'ja')

    Raises:
        ValueError: It is neither UTF-8 nor UTF-16 with its mark.
    """
    is_utf16 = content.startswith(_UTF16_MARKS)
    return _decoded(content, "utf-16" if is_utf16 else "utf-8-sig")


def _decoded(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-16" and 0 in content:
            raise ValueError(_ZEROS) from None
        reason = f"not UTF-8 or UTF-16: {error.reason} at byte {error.start}"
        raise ValueError(f"{reason}; save it as UTF-8") from None
    if "\0" in text:  # every letter of an English text would be a word
        raise ValueError(_ZEROS)
    return text


def read_text(path: Path, max_bytes: int = 1 << 26) -> str:
    """The text of a file, which may be a pipe; -: standard input.

    Raises:
        OSError: The file cannot be read, or is larger than max_bytes.
        ValueError: As in decode_text.
    """
    return decode_text(read_bounded(path, max_bytes))


def listed(text: str) -> Iterator[tuple[int, str]]:
    r"""The items of a list, one a line, each with the number of its line.

    Empty lines are skipped. # at the beginning of a word begins a comment.

    >>> list(listed("# languages\n\nc# # by Microsoft\n"))
    [(3, 'c#')]
    """
    for number, line in enumerate(text.splitlines(), start=1):
        if item := _COMMENT.sub("", line).strip():
            yield number, item


def utf8_lines(file: BinaryIO, longest: int = _LONGEST_LINE) -> Iterator[bytes]:
    r"""The lines of an open file with their ends, converted to UTF-8 if it is UTF-16.

    Lines of UTF-8 end at \n only, and are not checked.

    Args:
        file: At its start.
        longest: A line must have fewer bytes: a device may never end.

    Raises:
        ValueError: A line is too long, or the file is damaged UTF-16.
    """
    first = file.readline(longest)
    if first.startswith(_UTF16_MARKS):
        content = first + file.read(_LONGEST_UTF16)
        yield from decode_text(content).encode().splitlines(keepends=True)
        return
    line = first.removeprefix(codecs.BOM_UTF8)
    while line:
        if len(line) >= longest:
            raise ValueError(f"has {longest} bytes or more")
        yield line
        line = file.readline(longest)


def text_lines(file: BinaryIO) -> Iterator[str]:
    r"""The lines of an open text, without their ends: \n, \r\n or \r.

    Raises:
        ValueError: As in decode_text and utf8_lines, for the line that would be next.
    """
    for content in utf8_lines(file):
        line = _decoded(content, "utf-8").removesuffix("\n").removesuffix("\r")
        yield from line.split("\r") if "\r" in line else (line,)
