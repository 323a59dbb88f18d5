"""Lexicons as prefix trees, and their packed file format."""

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from speechlstm.decoding.prefix_tree import Labels, PrefixTree
from speechlstm.errors import AlphabetError, ConfigError, DataError, LexiconError, quoted
from speechlstm.lm.model import LanguageModel
from speechlstm.storage import open_regular_file, read_regular_file
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import MAX_SYMBOLS, Lexicon, Phones

# A packed file: magic, version, CRC-32 of the rest; numbers of labels, nodes and values; SHA-256 of
# the alphabet; the arrays of the tree; the words in UTF-8, each followed by a line feed.
_MAGIC = b"slstmlex"
_HEAD = struct.Struct("<II")
_SIZES = struct.Struct("<III32s")
_FIRST = len(_MAGIC) + _HEAD.size  # the first byte that the checksum covers
_VERSION = 1


class LexiconTree:
    """Words and their label sequences, as a prefix tree.

    A word may have several sequences, and words may have the same.

    >>> from speechlstm.text.alphabet import ENGLISH
    >>> LexiconTree.from_words(["cab", "cat"], ENGLISH).sequences_of(["cab"])
    {'cab': [(5, 3, 4)]}

    Args:
        words: The words, each once.
        tree: The label sequences; their values are indices into words.
        alphabet_sha256: SHA-256 of the alphabet of the labels.
    """

    def __init__(self, words: Sequence[str], tree: PrefixTree, alphabet_sha256: str) -> None:
        self.words, self.tree, self.alphabet_sha256 = words, tree, alphabet_sha256

    @classmethod
    def from_words(
        cls, words: Sequence[str], alphabet: Alphabet, skip: bool = False
    ) -> "LexiconTree":
        """A lexicon in which words are spelled by their characters.

        Args:
            words: The words, each once, without spaces.
            alphabet: Its symbols must be characters.
            skip: Whether words with other characters, or too many, have no spelling instead of
                raising an error.

        Raises:
            AlphabetError: A word has characters that the alphabet lacks.
            ConfigError: The alphabet's symbols are phones.
            DataError: A word is too long.
        """
        if alphabet.separator:
            raise ConfigError("words cannot be spelled in phones without a lexicon; give a lexicon")
        if not skip and (too_long := [word for word in words if len(word) > MAX_SYMBOLS]):
            raise DataError(
                f"{quoted(too_long[0])} has {len(too_long[0])} characters; words may have at most "
                f"{MAX_SYMBOLS}"
            )
        sequences, is_spelled = _spell(words, alphabet)
        if not skip and not is_spelled.all():
            word = words[int(is_spelled.argmin())]
            missing = sorted(set(word) - set(alphabet.symbols)) or [" "]
            raise AlphabetError(missing, quoted(word))
        spelled = np.flatnonzero(is_spelled).astype(np.int32)
        tree = PrefixTree.build(alphabet.num_labels, sequences[spelled], spelled)
        return cls(words, tree, alphabet.sha256)

    @classmethod
    def read(cls, path: Path, alphabet: Alphabet) -> "LexiconTree":
        """Read a lexicon from a text file. A line has a word and its symbols, separated by spaces.

        The format is that of `Lexicon.read`: `word(2)` is a further pronunciation, the stress of
        ARPAbet's vowels (AH0) is dropped, words become lower-case.

        Raises:
            AlphabetError: A word has symbols that the alphabet lacks.
            DataError: The file cannot be read, or a line has no symbol.
        """
        return cls.from_pronunciations(Lexicon.read(path).entries, alphabet)

    @classmethod
    def from_pronunciations(
        cls, entries: Mapping[str, Sequence[Sequence[str]]], alphabet: Alphabet
    ) -> "LexiconTree":
        """A lexicon from words and the symbols of each of their pronunciations.

        Raises:
            AlphabetError: A word has symbols that the alphabet lacks.
        """
        labels_of = {symbol: label for label, symbol in enumerate(alphabet.symbols, start=1)}
        ways = [(i, way) for i, ways in enumerate(entries.values()) for way in ways]
        try:
            labels = [[labels_of[symbol] for symbol in way] for _, way in ways]
        except KeyError:
            index, way = next(item for item in ways if set(item[1]) - set(labels_of))
            missing = sorted(set(way) - set(labels_of))
            raise AlphabetError(missing, f"lexicon: {quoted(list(entries)[index])}") from None
        longest = max(map(len, labels), default=0)
        sequences = np.zeros((len(labels), longest), _label_type(alphabet.num_labels))
        for row, spelled in zip(sequences, labels, strict=True):
            row[: len(spelled)] = spelled
        values = np.array([i for i, _ in ways], np.int32)
        tree = PrefixTree.build(alphabet.num_labels, sequences, values)
        return cls(list(entries), tree, alphabet.sha256)

    @classmethod
    def load(cls, path: Path, alphabet: Alphabet) -> "LexiconTree":
        """Load a lexicon from a packed file or a text file.

        Raises:
            LexiconError: The file cannot be read, or it is packed and damaged, truncated or of
                another version.
            AlphabetError: As in `read`.
            DataError: As in `read`.
        """
        try:
            with open_regular_file(path) as file:
                is_packed = file.read(len(_MAGIC)) == _MAGIC
        except OSError as error:
            raise LexiconError(path, f"cannot be read: {error.strerror}") from error
        return cls.open(path) if is_packed else cls.read(path, alphabet)

    @classmethod
    def open(cls, path: Path) -> "LexiconTree":
        """Load a packed lexicon, which takes a hundredth of the time of reading its text.

        Raises:
            LexiconError: The file cannot be read, is not a packed lexicon, or is damaged, truncated
                or of another version.
        """
        try:
            data = read_regular_file(path)
        except OSError as error:
            raise LexiconError(path, f"cannot be read: {error.strerror}") from error
        if data[: len(_MAGIC)] != _MAGIC or len(data) < _FIRST + _SIZES.size:
            raise LexiconError(path, "is not a packed lexicon")
        version, checksum = _HEAD.unpack_from(data, len(_MAGIC))
        if version != _VERSION:
            raise LexiconError(path, f"has format version {version}, not {_VERSION}: pack it again")
        if zlib.crc32(memoryview(data)[_FIRST:]) != checksum:
            raise LexiconError(path, "is damaged or truncated: its checksum differs")
        *sizes, sha256 = _SIZES.unpack_from(data, _FIRST)
        start, arrays = _FIRST + _SIZES.size, []
        try:
            for kind, size in _arrays(*sizes):
                arrays.append(np.frombuffer(data, kind, size, start))
                start += arrays[-1].nbytes
            words = data[start:].decode().split("\n")[:-1]
            tree = PrefixTree(sizes[0], *arrays)
            tree.check(len(words))
        except ValueError as error:  # a file with a valid checksum may be malicious
            raise LexiconError(path, f"is damaged: {error}") from error
        return cls(words, tree, sha256.hex())

    def packed(self) -> bytes:
        """The content of a file for `open`."""
        tree = self.tree
        sizes = tree.num_labels, tree.outside, len(tree.values)
        arrays = (tree.labels, tree.num_children, tree.num_values, tree.values)
        content = _SIZES.pack(*sizes, bytes.fromhex(self.alphabet_sha256))
        for array, (kind, _) in zip(arrays, _arrays(*sizes), strict=True):
            content += np.asarray(array, kind).tobytes()
        content += "".join(f"{word}\n" for word in self.words).encode()
        return _MAGIC + _HEAD.pack(_VERSION, zlib.crc32(content)) + content

    def sequences_of(self, words: Iterable[str]) -> dict[str, list[tuple[int, ...]]]:
        """The label sequences of some words; words that the lexicon lacks are left out."""
        wanted = set(words)
        found: dict[str, list[tuple[int, ...]]] = {}
        ids = [i for i, word in enumerate(self.words) if word in wanted] if wanted else []
        if ids:
            for entry in np.flatnonzero(np.isin(self.tree.values, ids)).tolist():
                word = self.words[int(self.tree.values[entry])]
                found.setdefault(word, []).append(self.tree.sequence(entry))
        return found

    def pronunciations(self, words: Iterable[str], phones: Alphabet) -> dict[str, list[Phones]]:
        """The phones of some words; words that the lexicon lacks are left out.

        Args:
            phones: The alphabet of the lexicon, a lexicon of phones.
        """
        return {
            word: [tuple(phones.symbols[label - 1] for label in labels) for labels in sequences]
            for word, sequences in self.sequences_of(words).items()
        }

    def lm_ids(self, lm: LanguageModel | None) -> NDArray[np.int32]:
        """The id of each word in a language model; 0 if the model does not know it."""
        if lm is None:
            return np.zeros(len(self.words), np.int32)
        if self.words is lm.words:
            return np.arange(lm.num_words, dtype=np.int32)
        return lm.word_ids(self.words)


def _arrays(num_labels: int, num_nodes: int, num_values: int) -> list[tuple[DTypeLike, int]]:
    """Type and size of each array in a file, in the order of PrefixTree's fields."""
    label = _label_type(num_labels)
    return [(label, num_nodes), (label, num_nodes), ("<u2", num_nodes), ("<i4", num_values)]


def _label_type(num_labels: int) -> str:
    return "u1" if num_labels <= 256 else "<u2"


def _spell(words: Sequence[str], alphabet: Alphabet) -> tuple[Labels, NDArray[np.bool_]]:
    """The labels of each word's characters, (num_words, longest), and whether all have one.

    All words are done at once, because a vocabulary may have 100,000 words.
    """
    dtype = _label_type(alphabet.num_labels)
    short = [word if len(word) <= MAX_SYMBOLS else "" for word in words]
    lengths = np.fromiter(map(len, short), np.int64, len(short))
    codes = np.frombuffer("".join(short).encode("utf-32-le", "surrogatepass"), "<u4")
    labels_of = np.zeros(int(codes.max(initial=0)) + 2, dtype)
    for label, symbol in enumerate(alphabet.symbols, start=1):
        if symbol != " " and ord(symbol) < len(labels_of):
            labels_of[ord(symbol)] = label
    rows = np.repeat(np.arange(len(words)), lengths)
    columns = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    labels = np.zeros((len(words), int(lengths.max(initial=0))), dtype)
    labels[rows, columns] = labels_of[codes]
    return labels, (np.count_nonzero(labels, axis=1) == lengths) & (lengths > 0)
