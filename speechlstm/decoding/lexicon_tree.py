"""Lexicons: words and the symbols that spell them."""

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
from speechlstm.text.lexicon import MAX_SYMBOLS, Lexicon

# A packed file: magic, version, CRC-32 of the rest; numbers of labels, nodes and values, the
# alphabet's SHA-256; the tree's arrays; the words in UTF-8, a line feed after each.
_MAGIC = b"slstmlex"
_HEAD = struct.Struct("<II")
_SIZES = struct.Struct("<III32s")
_FIRST = len(_MAGIC) + _HEAD.size  # byte under the checksum
_VERSION = 1


class LexiconTree:
    """Words and the sequences of symbols that stand for each, as a prefix tree.

    A word may have several sequences, and words may share one.

    Args:
        words: The words, each once.
        tree: The sequences; their values are indices into words.
        alphabet_sha256: Of the alphabet whose labels the sequences consist of.
    """

    def __init__(self, words: Sequence[str], tree: PrefixTree, alphabet_sha256: str) -> None:
        self.words, self.tree, self.alphabet_sha256 = words, tree, alphabet_sha256

    @classmethod
    def from_words(
        cls, words: Sequence[str], alphabet: Alphabet, skip: bool = False
    ) -> "LexiconTree":
        """Words as their characters spell them.

        Args:
            words: The words, each once, without spaces.
            alphabet: Its symbols must be characters.
            skip: Words with other characters, or too many, stay without a spelling, instead of an
                error.

        Raises:
            AlphabetError: A word has characters that the alphabet lacks.
            ConfigError: The alphabet's symbols are phones.
            DataError: A word is too long.
        """
        if alphabet.separator:
            raise ConfigError("lexicon: phones do not tell how a word is spelled; name a lexicon")
        if not skip and (too_long := [word for word in words if len(word) > MAX_SYMBOLS]):
            raise DataError(
                f"{quoted(too_long[0])} has {len(too_long[0])} characters; a word has at most "
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
        """A lexicon from a text file: a line holds a word and its symbols, parted by spaces.

        It is read as a pronouncing dictionary is: `word(2)` is a further way to say a word, the
        stress of ARPAbet's vowels (AH0) is dropped, words become lower-case.

        Raises:
            AlphabetError: A word has symbols that the alphabet lacks.
            DataError: The file cannot be read, or a line has no symbol.
        """
        return cls.from_pronunciations(Lexicon.read(path).entries, alphabet)

    @classmethod
    def from_pronunciations(
        cls, entries: Mapping[str, Sequence[Sequence[str]]], alphabet: Alphabet
    ) -> "LexiconTree":
        """Words and the ways in which symbols stand for each.

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
        """A lexicon from a file, packed or text.

        Raises:
            LexiconError: It cannot be read.
            Errors of `open` and `read`.
        """
        try:
            with open_regular_file(path) as file:
                is_packed = file.read(len(_MAGIC)) == _MAGIC
        except OSError as error:
            raise LexiconError(path, f"cannot be read: {error.strerror}") from error
        return cls.open(path) if is_packed else cls.read(path, alphabet)

    @classmethod
    def open(cls, path: Path) -> "LexiconTree":
        """A lexicon that is packed, in a hundredth of the time that its text takes to read.

        Raises:
            LexiconError: It cannot be read, is no packed lexicon, is damaged, cut short or of
                another version.
        """
        try:
            data = read_regular_file(path)
        except OSError as error:
            raise LexiconError(path, f"cannot be read: {error.strerror}") from error
        if data[: len(_MAGIC)] != _MAGIC or len(data) < _FIRST + _SIZES.size:
            raise LexiconError(path, "is no packed lexicon")
        version, checksum = _HEAD.unpack_from(data, len(_MAGIC))
        if version != _VERSION:
            raise LexiconError(path, f"has format version {version}, not {_VERSION}: pack it again")
        if zlib.crc32(memoryview(data)[_FIRST:]) != checksum:
            raise LexiconError(path, "is damaged or cut short: its checksum differs")
        *sizes, sha256 = _SIZES.unpack_from(data, _FIRST)
        start, arrays = _FIRST + _SIZES.size, []
        try:
            for kind, size in _arrays(*sizes):
                arrays.append(np.frombuffer(data, kind, size, start))
                start += arrays[-1].nbytes
            words = data[start:].decode().split("\n")[:-1]
            tree = PrefixTree(sizes[0], *arrays)
            tree.check(len(words))
        except ValueError as error:  # in a file that was made to deceive
            raise LexiconError(path, f"is damaged: {error}") from error
        return cls(words, tree, sha256.hex())

    def packed(self) -> bytes:
        """The content of a file that `open` reads."""
        tree = self.tree
        sizes = tree.num_labels, tree.outside, len(tree.values)
        arrays = (tree.labels, tree.num_children, tree.num_values, tree.values)
        content = _SIZES.pack(*sizes, bytes.fromhex(self.alphabet_sha256))
        for array, (kind, _) in zip(arrays, _arrays(*sizes), strict=True):
            content += np.asarray(array, kind).tobytes()
        content += "".join(f"{word}\n" for word in self.words).encode()
        return _MAGIC + _HEAD.pack(_VERSION, zlib.crc32(content)) + content

    def sequences_of(self, words: Iterable[str]) -> dict[str, list[tuple[int, ...]]]:
        """The label sequences of some words; those that are not in the lexicon are left out."""
        wanted = set(words)
        found: dict[str, list[tuple[int, ...]]] = {}
        ids = [i for i, word in enumerate(self.words) if word in wanted] if wanted else []
        if ids:
            for entry in np.flatnonzero(np.isin(self.tree.values, ids)).tolist():
                word = self.words[int(self.tree.values[entry])]
                found.setdefault(word, []).append(self.tree.sequence(entry))
        return found

    def lm_ids(self, lm: LanguageModel | None) -> NDArray[np.int32]:
        """A language model's id of each word; 0 for those that it does not know."""
        if lm is None:
            return np.zeros(len(self.words), np.int32)
        if self.words is lm.words:
            return np.arange(lm.num_words, dtype=np.int32)
        return lm.word_ids(self.words)


def _arrays(num_labels: int, num_nodes: int, num_values: int) -> list[tuple[DTypeLike, int]]:
    """Kind and size of each array in a file: those of PrefixTree, in this order."""
    label = _label_type(num_labels)
    return [(label, num_nodes), (label, num_nodes), ("<u2", num_nodes), ("<i4", num_values)]


def _label_type(num_labels: int) -> str:
    return "u1" if num_labels <= 256 else "<u2"


def _spell(words: Sequence[str], alphabet: Alphabet) -> tuple[Labels, NDArray[np.bool_]]:
    """Labels of each word's characters, (num_words, longest), and whether there is one for each.

    In one go: a vocabulary has some 100,000 words.
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
