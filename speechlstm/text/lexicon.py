"""Pronouncing dictionaries: how words sound, in phones."""

import re
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from string import ascii_lowercase

from speechlstm.errors import DataError, quoted
from speechlstm.storage import read_regular_file, write_atomically
from speechlstm.text.alphabet import Alphabet

Phones = tuple[str, ...]

MAX_SYMBOLS = 500  # of a word, and of a way to say it: what is longer is no word

LETTERS = Alphabet(("'", *ascii_lowercase))  # what a word is spelled with if it can be sounded out

_STRESSED_VOWEL = re.compile(r"^([AEIOU][A-Z])[012]$")  # of ARPAbet
_SIBILANTS = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))
_VOICELESS = frozenset(("P", "T", "K", "F", "TH"))


class Lexicon:
    """Words and how each is pronounced, the most usual way first.

    Args:
        entries: Pronunciations by word.
    """

    def __init__(self, entries: Mapping[str, tuple[Phones, ...]]) -> None:
        self.entries = entries

    @classmethod
    def read(cls, path: Path) -> "Lexicon":
        """A dictionary from a text file in the format of CMUdict.

        A line holds a word and its phones; the word's further pronunciations are `word(2)` and so
        on. The stress of ARPAbet's vowels (AH0) is dropped, as is what follows " #"; lines that
        begin with ";;;" are comments.

        Raises:
            DataError: The file cannot be read, or a line has no phone, or too many.
        """
        found: dict[str, dict[Phones, None]] = {}  # by word, without repetition, in order
        try:
            for number, line in enumerate(
                read_regular_file(path).decode("utf-8-sig").splitlines(), 1
            ):
                word, *phones = line.split(" #")[0].split() or [";;;"]
                if word.startswith(";;;"):
                    continue
                if not phones:
                    raise DataError(f"{path}:{number}: {quoted(word)} has no phones")
                if max(len(word), len(phones)) > MAX_SYMBOLS:
                    raise DataError(
                        f"{path}:{number}: {quoted(word)} with {len(phones)} phones is too long; "
                        f"a word has at most {MAX_SYMBOLS} letters and phones"
                    )
                plain = tuple(map(_without_stress, phones))
                found.setdefault(word.split("(")[0].lower(), {})[plain] = None
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: not UTF-8: {error.reason} at byte {error.start}") from None
        if not found:
            raise DataError(f"{path}: holds no pronunciation")
        return cls({word: tuple(ways) for word, ways in found.items()})

    def write(self, path: Path) -> None:
        """Write the words, sorted, in the format that `read` reads.

        Raises:
            OSError: It cannot be written; a file that was there before is untouched.
        """
        lines = [
            f"{word if number == 1 else f'{word}({number})'} {' '.join(way)}\n"
            for word, ways in sorted(self.entries.items())
            for number, way in enumerate(ways, 1)
        ]
        write_atomically(path, "".join(lines))

    @cached_property
    def alphabet(self) -> Alphabet:
        """The phones that occur, in alphabetical order."""
        ways = (way for ways in self.entries.values() for way in ways)
        return Alphabet(tuple(sorted({phone for way in ways for phone in way})), separator=" ")

    def __getitem__(self, word: str) -> tuple[Phones, ...]:
        """How a word is pronounced; a possessive that is not listed sounds like its noun and s.

        Returns:
            Pronunciations, the most usual one first; none if the word is not known.
        """
        if word in self.entries:
            return self.entries[word]
        noun, apostrophe, ending = word.rpartition("'")
        if apostrophe and ending in ("", "s"):
            return tuple(way + (_plural(way[-1]) if ending else ()) for way in self[noun])
        return ()

    def pronounce(self, text: str) -> str | None:
        """The phones of a normalised text, each word in its most usual way; None: one is unknown.

        Its phones are parted by spaces, its words not at all: an alphabet encodes them.
        """
        ways = [self[word] for word in text.split()]
        return " ".join(" ".join(way[0]) for way in ways) if all(ways) else None


@cache
def _without_stress(phone: str) -> str:
    return _STRESSED_VOWEL.sub(r"\1", phone)


def _plural(last: str) -> Phones:
    """How a final s sounds after a phone (English: kisses, cats, dogs)."""
    if last in _SIBILANTS:
        return ("IH", "Z")
    return ("S",) if last in _VOICELESS else ("Z",)
