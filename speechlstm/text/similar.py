"""Finds letters of a to z that sound like those of other alphabets, from their Unicode names.

For example, ä is LATIN SMALL LETTER A WITH DIAERESIS, ж is CYRILLIC SMALL LETTER ZHE and β is GREEK
SMALL LETTER BETA: the word after LETTER begins with a similar Latin letter. This is rough, but good
enough as a start for training.
"""

import re
import unicodedata

_NAMED = re.compile(r"(?:LETTER|CHARACTER|SYLLABLE) (?:DOTLESS |FINAL |SHARP )?([A-Z]+)")
_CONSONANT = re.compile(r"E[B-DF-HJ-NP-TV-Z]$")  # EF, EL, EM, EN, ER, ES of Cyrillic
_OTHERWISE = {"\u00f0": "d", "\u0153": "o"}  # eth and the ligature of o and e


def similar_letter(letter: str) -> str | None:
    """The letter of a to z that sounds most like another, by its name; None: not known.

    >>> [similar_letter(letter) for letter in "äßñжлβ7"]
    ['a', 's', 'n', 'z', 'l', 'b', None]
    """
    if letter in _OTHERWISE:
        return _OTHERWISE[letter]
    found = _NAMED.search(unicodedata.name(letter, ""))
    if not found:
        return None
    name = found[1]
    return name[1 if _CONSONANT.match(name) else 0].lower()
