"""What a file is that was given as an n-gram model and is none that can be read."""

import codecs
import lzma
import zlib
from typing import Any

HEAD_BYTES = 4096  # that are enough to tell

_MAGICS = (
    (
        0,
        b"mmap lm http://kheafield.com/code",
        "a KenLM binary, which only KenLM reads: give the ARPA file it was made from",
    ),
    (0, b"slstm-lm", "a packed language model: its name must not end in .arpa"),
    (0, b"slstmlex", "a packed lexicon"),
    (4, b"TFL3", "a .tflite file: an LSTM language model is given by --neural-lm"),
)
_LONGEST_PREAMBLE = 100  # lines


def identify(head: bytes) -> str:
    """What a file is by its first bytes, and what to do with it.

    Args:
        head: HEAD_BYTES of them, or all.

    >>> identify(b"the cat sat on the mat")
    'a text: make a language model of it by speechlstm lm build'
    """
    if kind := identify_binary(head):
        return kind
    if _is_arpa(head):
        return "an ARPA file: its name must end in .arpa"
    if _is_text(head):
        return "a text: make a language model of it by speechlstm lm build"
    return "something else: make one by speechlstm lm build"


def identify_binary(head: bytes) -> str | None:
    """The same for files that are no text; None: it is one, or of an unknown kind.

    >>> identify_binary(b"mmap lm http://kheafield.com/code format version 5")
    'a KenLM binary, which only KenLM reads: give the ARPA file it was made from'
    """
    for at, magic, kind in _MAGICS:
        if head[at:].startswith(magic):
            return kind
    for magic, suffix, unpacker in (
        (b"\x1f\x8b", ".gz", zlib.decompressobj(wbits=31)),
        (b"\xfd7zXZ\0", ".xz", lzma.LZMADecompressor()),
    ):
        if head.startswith(magic):
            if _is_arpa(_unpacked(unpacker, head)):
                return f"a compressed ARPA file: its name must end in .arpa{suffix}"
            return f"compressed: unpack it, or if it is an ARPA file, name it .arpa{suffix}"
    return None


def _is_arpa(head: bytes) -> bool:
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:_LONGEST_PREAMBLE]
    return any(line.strip() == b"\\data\\" for line in lines)


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # its last character may be cut
    except UnicodeDecodeError:
        return False
    return bool(text) and all(character.isprintable() or character.isspace() for character in text)


def _unpacked(unpacker: Any, head: bytes) -> bytes:
    try:
        return bytes(unpacker.decompress(head, 16 * HEAD_BYTES))
    except (EOFError, lzma.LZMAError, zlib.error):
        return b""
