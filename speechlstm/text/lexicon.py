"""Lexicons (pronouncing dictionaries): the phones of words."""

import re
from collections.abc import Mapping
from functools import cache, cached_property
from itertools import dropwhile
from pathlib import Path
from string import ascii_lowercase

from speechlstm.errors import DataError, quoted
from speechlstm.storage import decode_text, read_regular_file, write_atomically
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.normalize import normalize

Phones = tuple[str, ...]

MAX_SYMBOLS = 500  # letters or phones; longer entries are errors

LETTERS = Alphabet(("'", *ascii_lowercase))  # of words that a G2P network can pronounce

_STRESSED_VOWEL = re.compile(r"^([AEIOU][A-Z])[012]$")  # of ARPAbet
_NUMBERED = re.compile(r"(.+)\(\w+\)$")  # word(2)
_PROBABILITY = re.compile(r"\d*\.\d+(?:[eE]-?\d+)?")
_SIBILANTS = frozenset(("S", "Z", "SH", "ZH", "CH", "JH"))
_VOICELESS = frozenset(("P", "T", "K", "F", "TH"))


class Lexicon:
    """Words and their pronunciations, the most usual one first.

    >>> lexicon = Lexicon({"cat": (("K", "AE", "T"),)})
    >>> lexicon["cat's"]
    (('K', 'AE', 'T', 'S'),)
    >>> lexicon["dog"]
    ()

    Args:
        entries: The pronunciations of each word.
    """

    def __init__(self, entries: Mapping[str, tuple[Phones, ...]]) -> None:
        self.entries = entries

    @classmethod
    def read(cls, path: Path) -> "Lexicon":
        """Read a text file in the format of CMUdict, Kaldi or the Montreal Forced Aligner.

        A line has a word and its phones; further pronunciations of the word are lines of the same
        word, or of `word(2)` and so on. If probabilities (0.5) stand before the phones, the first
        one gives the order of a word's pronunciations. The stress of ARPAbet's vowels (AH0) is
        dropped, as is text after " #". Lines that begin with ";;;" or "# " are comments.

        Raises:
            DataError: The file cannot be read, or a line has no phone or too many.
        """
        entries: dict[str, dict[Phones, float]] = {}  # by word: the probability of each
        try:
            text = decode_text(read_regular_file(path))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise DataError(f"{path}: {error}") from None
        for number, line in enumerate(text.splitlines(), 1):
            word, *fields = line.split(" #")[0].split() or [";;;"]
            if word.startswith(";;;") or not word.strip("#"):
                continue
            phones = list(dropwhile(_PROBABILITY.fullmatch, fields))
            if not phones:
                raise DataError(f"{path}:{number}: {quoted(word)} has no phones")
            if max(len(word), len(phones)) > MAX_SYMBOLS:
                raise DataError(
                    f"{path}:{number}: {quoted(word)} with {len(phones)} phones is too long; "
                    f"words may have at most {MAX_SYMBOLS} letters and phones"
                )
            plain = tuple(map(_without_stress, phones))
            ways = entries.setdefault(_as_in_texts(_NUMBERED.sub(r"\1", word)), {})
            ways.setdefault(plain, float(fields[0]) if len(phones) < len(fields) else 1.0)
        if not entries:
            raise DataError(f"{path}: has no pronunciation")
        ordered = ((w, sorted(p, key=p.__getitem__, reverse=True)) for w, p in entries.items())
        return cls({word: tuple(ways) for word, ways in ordered})

    def write(self, path: Path) -> None:
        """Write the words, sorted, in the format of `read`.

        Raises:
            OSError: The file cannot be written; an existing one is untouched.
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
        """The pronunciations of a word, the most usual one first; () if it is not known.

        A possessive that is not listed is pronounced as its noun with an s.
        """
        if word in self.entries:
            return self.entries[word]
        noun, apostrophe, ending = word.rpartition("'")
        if apostrophe and ending in ("", "s"):
            return tuple(way + (_plural(way[-1]) if ending else ()) for way in self[noun])
        return ()

    def pronounce(self, text: str) -> str | None:
        """The phones of a normalised text, each word in its most usual pronunciation.

        Returns:
            The phones, separated by spaces, without any mark between words; None if a word is
            unknown.
        """
        ways = [self[word] for word in text.split()]
        return " ".join(" ".join(way[0]) for way in ways) if all(ways) else None


def _as_in_texts(word: str) -> str:
    """A word as normalised texts have it: with a plain apostrophe, and composed letters."""
    normalized = word.lower() if word.isascii() else normalize(word)
    return normalized if normalized and " " not in normalized else word.lower()


@cache
def _without_stress(phone: str) -> str:
    return _STRESSED_VOWEL.sub(r"\1", phone)


def _plural(last: str) -> Phones:
    """The phones of a final s after a phone (English: kisses, cats, dogs)."""
    if last in _SIBILANTS:
        return ("IH", "Z")
    return ("S",) if last in _VOICELESS else ("Z",)
