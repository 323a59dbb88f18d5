"""Hot words: words and phrases that a recogniser prefers or avoids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from speechlstm.arguments import accepts, plain
from speechlstm.errors import ConfigError, quoted

MAX_LENGTH = 200  # characters of a phrase; the longest words in dictionaries have 45
MAX_WEIGHT = 100.0
MAX_HOT_WORDS = 100_000


@dataclass(frozen=True)
class HotWord:
    """A word or phrase, and the weight by which it is preferred or avoided.

    >>> HotWord.parse("new york:2.5")
    HotWord(phrase='new york', weight=2.5)
    >>> HotWord.parse("brexit")
    HotWord(phrase='brexit', weight=None)

    Attributes:
        phrase: One or several words, separated by spaces.
        weight: The bonus, as a natural logarithm, for each character of the phrase (for each phone,
            if words are spelled in phones). Negative weights suppress the phrase. None: the
            hot_word_weight of `DecodeConfig`.

    Raises:
        ConfigError: The phrase is empty or too long, or the weight is out of range.
    """

    phrase: str
    weight: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.phrase, str) or not self.phrase.split():
            raise _error("an empty word is not possible")
        if len(self.phrase) > MAX_LENGTH:
            raise _error(
                f"{quoted(self.phrase)} has {len(self.phrase)} characters, more than the limit of "
                f"{MAX_LENGTH}"
            )
        if self.weight is None:
            return
        object.__setattr__(self, "weight", plain(self.weight))
        if not accepts(float, self.weight) or abs(self.weight) > MAX_WEIGHT:
            raise _error(
                f"the weight of {quoted(self.phrase)} must be a number from -{MAX_WEIGHT:g} to "
                f"{MAX_WEIGHT:g}, is {quoted(self.weight)}"
            )

    @classmethod
    def parse(cls, text: str) -> "HotWord":
        """A hot word from a string: the phrase, optionally followed by a colon and its weight.

        Raises:
            ConfigError: As in the constructor, or what follows the colon is not a number.
        """
        phrase, colon, weight = text.rpartition(":")
        try:
            return cls(phrase.strip(), float(weight)) if colon else cls(text.strip())
        except ValueError as error:
            if isinstance(error, ConfigError):
                raise
            raise _error(
                f"{quoted(text)}: the text after the colon must be a weight, as in 'brexit:2.5'"
            ) from None

    def __str__(self) -> str:
        return self.phrase if self.weight is None else f"{self.phrase}:{self.weight!r}"


HotWords = Iterable[str | HotWord] | Mapping[str, float | None]


def read_hot_words(given: HotWords) -> tuple[HotWord, ...]:
    """Hot words from an iterable of phrases, or from a mapping from phrases to weights.

    >>> read_hot_words(["brexit", "new york:2.5"]) == read_hot_words(
    ...     {"brexit": None, "new york": 2.5}
    ... )
    True

    Raises:
        ConfigError: The argument is a single string, has an item of another type, or has too many
            items; or a hot word is not valid.
    """
    if isinstance(given, str):
        raise _error(
            f"must be a list of words and phrases; write [{quoted(given)}] for a single one"
        )
    if not isinstance(given, Iterable):
        raise _error(f"must be a list of words and phrases, is {quoted(given)}")
    given = given if isinstance(given, Mapping) else tuple(given)
    if len(given) > MAX_HOT_WORDS:
        raise _error(f"{len(given)} hot words are more than the limit of {MAX_HOT_WORDS}")
    if isinstance(given, Mapping):
        return tuple(HotWord(phrase, weight) for phrase, weight in given.items())
    found = tuple(HotWord.parse(item) if isinstance(item, str) else item for item in given)
    for item in found:
        if not isinstance(item, HotWord):
            raise _error(f"each must be a string or a HotWord, is {quoted(item)}")
    return found


def _error(reason: str) -> ConfigError:
    return ConfigError(f"decoding.hot_words: {reason}")
