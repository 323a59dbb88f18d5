"""The one transcript normaliser, for training data and for scoring alike."""

import unicodedata

_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'"))
# The same for ASCII in one go, which is several times as fast.
_ASCII = {
    code: chr(code).lower() if chr(code).isalnum() else "'" if chr(code) in "'`" else " "
    for code in range(128)
}


def normalize(text: str) -> str:
    """Lower case, composed (NFC), letters, marks, digits and inner apostrophes only.

    Everything else (punctuation, symbols, line ends, a byte order mark) parts words; words are
    joined by single spaces. "It\u2019s  T-shirt 'time'!" becomes "it's t shirt time".
    """
    if text.isascii():
        spaced = text.translate(_ASCII)
    else:
        composed = unicodedata.normalize("NFC", text).lower().translate(_APOSTROPHES)
        spaced = "".join(
            c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in composed
        )
    if "'" not in spaced:
        return " ".join(spaced.split())
    return " ".join(word for w in spaced.split() if (word := w.strip("'")))
