"""Spelled letters, internet addresses and titles."""

from collections.abc import Iterator

from speechlstm.readable.numbers import word_at
from speechlstm.readable.speech import Speech, Written, word_set

_DOMAINS = word_set("com org net edu gov io")
# Abbreviations that begin or end with a letter that may be a word of its own.
_INITIALISMS = word_set(
    "abc aol ac ai api atm acl aaa ibm ip iq irs icu id it usa cia fbi dna rna nba mba uae cpa epa "
    "fda nra nsa pta fema nasa ncaa uefa fifa"
)
_TITLES = word_set("mr mrs ms dr")
_WORDS_OF_ONE_LETTER = frozenset("aio")


def initials(speech: Speech, start: int) -> Written | None:
    """ABC: letters spoken one by one, of which at least two are not words of their own."""
    words, end = speech.sentence(start), start
    previous = speech.before(start)
    if len(previous) == 1 and previous.isalpha() and previous not in "ai":
        return None
    while len(word_at(words, end)) == 1 and words[end].isalpha():
        end += 1
    letters = "".join(words[start:end])
    for first, last in _ways_to_trim(letters):
        if first == 0:
            return letters[:last].upper(), start + last
    return None


def _ways_to_trim(letters: str) -> Iterator[tuple[int, int]]:
    """The part of spelled letters that is an abbreviation, if any."""
    if letters in _INITIALISMS and len(letters) > 1:
        yield 0, len(letters)
        return
    last = len(letters.rstrip("ai")) if letters[:-1] not in _INITIALISMS else len(letters) - 1
    first = 0 if letters[:last] in _INITIALISMS else len(letters) - len(letters.lstrip("ai"))
    if sum(letter not in _WORDS_OF_ONE_LETTER for letter in letters[first:last]) >= 2:
        yield first, last


def domain(speech: Speech, start: int) -> Written | None:
    """example.com."""
    words = speech.clause(start)
    is_spelled = words[start : start + 3] == ["w"] * 3
    host, end = ("www", start + 3) if is_spelled else (words[start], start + 1)
    while word_at(words, end) == "dot" and word_at(words, end + 1):
        host, end = f"{host}.{words[end + 1]}", end + 2
        if words[end - 1] in _DOMAINS:
            return host, end
    return None


def title(speech: Speech, start: int) -> Written | None:
    """Mr., before a name."""
    word = speech.words[start]
    if word not in _TITLES or len(speech.clause(start)) == start + 1:
        return None
    return f"{word.capitalize()}.", start + 1
