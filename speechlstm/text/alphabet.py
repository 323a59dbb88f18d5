"""The alphabet: the symbols that the network can emit, and their labels."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from speechlstm.errors import AlphabetError, ConfigError, quoted

BLANK = 0  # CTC's blank is label 0 everywhere; symbols follow from label 1


@dataclass(frozen=True)
class Alphabet:
    """An ordered set of symbols: characters, or phones written with a separator between them.

    >>> ENGLISH.encode("cab")
    [5, 3, 4]
    >>> ENGLISH.decode([5, 3, 4])
    'cab'

    Attributes:
        symbols: Symbol k has label k + 1; label 0 is CTC's blank.
        separator: Written between two symbols of a text: "" for characters, " " for phones.

    Raises:
        ConfigError: There is no symbol, or a symbol is empty, repeated or contains the separator.
    """

    symbols: tuple[str, ...]
    separator: str = ""

    def __post_init__(self) -> None:
        if not self.symbols or not all(self.symbols):
            raise ConfigError("alphabet: must have at least one symbol, and none may be empty")
        repeated = sorted(s for s, count in Counter(self.symbols).items() if count > 1)
        if repeated:
            raise ConfigError(f"alphabet: repeated symbols: {quoted(repeated)}")
        if self.separator and any(self.separator in s for s in self.symbols):
            raise ConfigError(f"alphabet: a symbol contains the separator {quoted(self.separator)}")
        if not self.separator and any(len(s) > 1 for s in self.symbols):
            raise ConfigError("alphabet: symbols of several characters need a separator")

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> "Alphabet":
        """The alphabet of the characters that occur in texts, in code point order."""
        return cls(tuple(sorted({character for text in texts for character in text})))

    @property
    def num_labels(self) -> int:
        """The number of symbols plus the blank: the width of the network's output."""
        return len(self.symbols) + 1

    @property
    def space(self) -> int:
        """The label of the space between words; 0 if the alphabet has none."""
        return self._labels.get(" ", 0)

    @property
    def sha256(self) -> str:
        """Identifies the alphabet: acoustic model and language model must have the same."""
        return hashlib.sha256("\0".join((self.separator, *self.symbols)).encode()).hexdigest()

    def encode(self, text: str, where: str | None = None) -> list[int]:
        """The labels of a text, each in 1..len(symbols).

        Args:
            where: Where the text comes from, for errors; None: errors quote the text.

        Raises:
            AlphabetError: The text has symbols that the alphabet lacks.
        """
        symbols = [s for s in text.split(self.separator) if s] if self.separator else text
        try:
            return list(map(self._labels.__getitem__, symbols))
        except KeyError:
            missing = sorted({symbol for symbol in symbols if symbol not in self._labels})
            where = where if where is not None else quoted(text)
            raise AlphabetError(missing, where) from None

    @cached_property
    def _labels(self) -> dict[str, int]:
        return {symbol: label for label, symbol in enumerate(self.symbols, start=1)}

    def decode(self, labels: Sequence[int]) -> str:
        """The text of labels in 1..len(symbols), the inverse of encode. Blanks are not allowed.

        Raises:
            ValueError: A label is out of range.
        """
        bad = [label for label in labels if not 1 <= label <= len(self.symbols)]
        if bad:
            raise ValueError(f"label {bad[0]} is outside 1..{len(self.symbols)}")
        return self.separator.join(self.symbols[label - 1] for label in labels)


ENGLISH = Alphabet((" ", "'", *"abcdefghijklmnopqrstuvwxyz"))
