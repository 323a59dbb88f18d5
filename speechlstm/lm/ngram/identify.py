"""Identifies files that were given as an n-gram model but are something else."""

import codecs
import lzma
import zlib
from typing import Any

HEAD_BYTES = 4096  # enough to identify a file

_OF_SPHINX = "a binary of CMU Sphinx: convert it with sphinx_lm_convert -ofmt arpa"
_MAGICS = (
    (
        0,
        b"mmap lm http://kheafield.com/code",
        "a KenLM binary, which only KenLM can read: give the ARPA file it was made from",
    ),
    (0, b"slstm-lm", "a packed language model: its name must not end in .arpa"),
    (0, b"slstmlex", "a packed lexicon"),
    (0, b"BZh", "compressed by bzip2: decompress it, or compress it as .gz or .xz"),
    (0, b"Trie Language Model", _OF_SPHINX),
    (4, b"Darpa Trigram LM", _OF_SPHINX),
    (4, b"TFL3", "a .tflite file: give LSTM language models with --neural-lm"),
)
_LONGEST_PREAMBLE = 100  # lines


def identify(head: bytes) -> str:
    """What a file is, from its first bytes, and what to do with it.

    >>> identify(b"the cat sat on the mat")
    'a text: make a language model of it with speechlstm lm build'

    Args:
        head: The first HEAD_BYTES bytes, or all.
    """
    if kind := identify_binary(head):
        return kind
    if _is_arpa(head):
        return "an ARPA file: its name must end in .arpa"
    if _is_text(head):
        return "a text: make a language model of it with speechlstm lm build"
    return "something else: make a language model with speechlstm lm build"


def identify_binary(head: bytes) -> str | None:
    """As identify, for binary files; None: it is a text, or unknown.

    >>> identify_binary(b"mmap lm http://kheafield.com/code format version 5")
    'a KenLM binary, which only KenLM can read: give the ARPA file it was made from'
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
            return (
                f"compressed: decompress it or, if it is an ARPA file, rename it to .arpa{suffix}"
            )
    return None


def _is_arpa(head: bytes) -> bool:
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[:_LONGEST_PREAMBLE]
    return any(line.strip() == b"\\data\\" for line in lines)


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(
            head
        )  # the last character may be incomplete
    except UnicodeDecodeError:
        return False
    return bool(text) and all(character.isprintable() or character.isspace() for character in text)


def _unpacked(unpacker: Any, head: bytes) -> bytes:
    try:
        return bytes(unpacker.decompress(head, 16 * HEAD_BYTES))
    except (EOFError, lzma.LZMAError, zlib.error):
        return b""
