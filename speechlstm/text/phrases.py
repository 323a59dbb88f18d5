"""Phrases: the only ones that a recogniser with a closed grammar can recognise."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from speechlstm.arguments import StrPath, accepts, plain
from speechlstm.errors import ConfigError, DataError, quoted
from speechlstm.storage import listed, read_text
from speechlstm.text.normalize import normalize

UNKNOWN = "[unk]"  # stands for anything else, as in Vosk
MAX_LENGTH = 200  # characters of a phrase
MAX_PHRASES = 10_000
_MAX_BYTES = 1 << 20
_MIN_WEIGHT, _MAX_WEIGHT = 1e-6, 1e6


@dataclass(frozen=True)
class Phrase:
    """A phrase of a grammar.

    >>> Phrase.parse("Turn on the light:2")
    Phrase(text='turn on the light', weight=2.0)

    Attributes:
        text: Normalised words, or UNKNOWN.
        weight: How probable the phrase is, relative to the others: 1e-6 to 1e6.
        where: Where it was read, for errors.

    Raises:
        ConfigError: The phrase has no word or is too long, or the weight is out of range.
    """

    text: str
    weight: float = 1.0
    where: str = field(default="phrases", compare=False, repr=False)

    def __post_init__(self) -> None:
        given = self.text
        object.__setattr__(self, "weight", plain(self.weight))
        if not isinstance(given, str) or len(given) > MAX_LENGTH:
            raise self._error(f"must have at most {MAX_LENGTH} characters, is {quoted(given)}")
        text = given.strip().lower()
        if text != UNKNOWN:
            if set('[]{}"') & set(text):
                raise self._error(
                    f"{quoted(given)}: one phrase a line, of words alone, or {UNKNOWN}"
                )
            text = normalize(given)
        if not text:
            raise self._error(f"{quoted(given)} has no word")
        if not (accepts(float, self.weight) and _MIN_WEIGHT <= self.weight <= _MAX_WEIGHT):
            raise self._error(
                f"the weight of {quoted(given)} must be a number from {_MIN_WEIGHT:g} to "
                f"{_MAX_WEIGHT:g}, is {quoted(self.weight)}"
            )
        object.__setattr__(self, "text", text)

    @classmethod
    def parse(cls, line: str, where: str = "phrases") -> "Phrase":
        """A phrase, optionally followed by a colon and its weight.

        Raises:
            ConfigError: As in the constructor, or what follows the colon is not a number.
        """
        text, colon, weight = line.rpartition(":")
        if not colon:
            return cls(line, where=where)
        try:
            number = float(weight)
        except ValueError:
            raise ConfigError(
                f"{where}: {quoted(line)}: the text after the colon must be a weight, as in "
                "'turn on the light:2'"
            ) from None
        return cls(text, number, where)

    def _error(self, reason: str) -> ConfigError:
        return ConfigError(f"{self.where}: {reason}")


Phrases = Iterable[str | Phrase] | Mapping[str, float]


def read_phrases(given: Phrases) -> tuple[Phrase, ...]:
    """Phrases from an iterable, or from a mapping from phrases to weights.

    >>> read_phrases(["yes", "no:2"]) == read_phrases({"yes": 1, "no": 2})
    True

    Raises:
        ConfigError: There is none, one is given twice, there are too many, one is not valid, or the
            argument is a single string.
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigError(f"phrases: must be a list of phrases, is {quoted(given)}")
    if isinstance(given, Mapping):
        phrases = [Phrase(text, weight) for text, weight in given.items()]
    else:
        phrases = [item if isinstance(item, Phrase) else _parsed(item) for item in given]
    if not any(phrase.text != UNKNOWN for phrase in phrases):
        raise ConfigError("phrases: there is none; give at least one")
    if len(phrases) > MAX_PHRASES:
        raise ConfigError(f"phrases: {len(phrases)} are more than the limit of {MAX_PHRASES}")
    first: dict[str, Phrase] = {}
    for phrase in phrases:
        if (before := first.setdefault(phrase.text, phrase)) is not phrase:
            also = f", first in {before.where}" if before.where != phrase.where else ""
            raise ConfigError(f"{phrase.where}: {quoted(phrase.text)} is given twice{also}")
    return tuple(phrases)


def _parsed(item: object) -> Phrase:
    if not isinstance(item, str):
        raise ConfigError(f"phrases: each must be a string or a Phrase, is {quoted(item)}")
    return Phrase.parse(item)


def read_phrase_file(path: StrPath) -> tuple[Phrase, ...]:
    """The phrases in a text file, one a line, each optionally followed by a colon and its weight.

    Empty lines are skipped, and comments, which # begins.

    Raises:
        ConfigError: A line is not valid, or a phrase stands twice; it names the line.
        DataError: The file cannot be read, is not text, is too large or has no phrase.
    """
    path = Path(path)
    try:
        text = read_text(path, _MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path}: {error}") from None
    phrases = [Phrase.parse(line, f"{path}:{number}") for number, line in listed(text)]
    if not any(phrase.text != UNKNOWN for phrase in phrases):
        raise DataError(f"{path}: has no phrase; write one a line")
    if len(phrases) > MAX_PHRASES:
        raise DataError(f"{path}: {len(phrases)} phrases are more than the limit of {MAX_PHRASES}")
    return read_phrases(phrases)


def phrase_lengths(words: Sequence[str], phrases: Collection[tuple[str, ...]]) -> list[int]:
    """The number of words of each of the phrases that words consist of, one after the other.

    What comes after the last complete phrase is one more. Where several divisions are possible,
    later phrases are as long as can be.

    >>> phrases = {("lights", "on"), ("lights",), ("stop",)}
    >>> phrase_lengths(["lights", "lights", "on", "stop", "on"], phrases)
    [1, 2, 1, 1]
    """
    lengths = sorted({len(phrase) for phrase in phrases}, reverse=True)
    last = [0] * (len(words) + 1)  # words of the phrase that ends at each place; 0: none does
    for end in range(1, len(last)):
        for start in (end - length for length in lengths if length <= end):
            if (last[start] or not start) and tuple(words[start:end]) in phrases:
                last[end] = end - start
                break
    end = max(place for place, length in enumerate(last) if length or not place)
    found = [len(words) - end] if end < len(words) else []
    while end:
        found.append(last[end])
        end -= last[end]
    return found[::-1]
