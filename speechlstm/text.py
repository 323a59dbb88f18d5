"""The one transcript normaliser, for training data and for scoring alike."""

import unicodedata

_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))


def normalize(text: str) -> str:
    """Lower case, composed (NFC), letters, marks, digits and inner apostrophes only.

    Everything else (punctuation, symbols, line ends, a byte order mark) parts words; words are
    joined by single spaces. "It\u2019s  T-shirt 'time'!" becomes "it's t shirt time".
    """
    composed = unicodedata.normalize("NFC", text).lower().translate(_APOSTROPHES)
    spaced = "".join(
        c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in composed
    )
    return " ".join(word for w in spaced.split() if (word := w.strip("'")))
