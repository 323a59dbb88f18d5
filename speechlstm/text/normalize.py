"""The normalisation of transcripts, for training data and for scoring alike."""

import re
import unicodedata

_APOSTROPHES = dict.fromkeys(
    map(ord, "'`\u00b4\u02bb\u02bc\u2018\u2019\u201b\u055a\u05f3\uff07\uff40"), "'"
)
# A complete table for ASCII, which is several times as fast.
_ASCII = {
    code: chr(code).lower() if chr(code).isalnum() else _APOSTROPHES.get(code, " ")
    for code in range(128)
}

_KASHIDA = "\u0640"  # lengthens a word of Arabic script to fill a line

# Format characters (category Cf) between words: ends of verses, and marks of annotations.
_SEPARATORS = "\u06dd\u08e2\ufff9\ufffa\ufffb"
# Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt) beyond category Cf: grapheme
# joiner, fillers and variation selectors, which are marks or letters by category.
_IGNORABLE = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2065, 0x2065),
    (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF),
)  # fmt: skip
# Tags of compatibility decompositions that give the same letter in another form.
_PRESENTATIONS = ("<wide>", "<narrow>", "<font>", "<initial>", "<medial>", "<final>", "<isolated>")
_GREEK_END, _LIGATURES, _LIGATURES_END = 0x0400, 0xFB00, 0xFB18

# Latin letters with strokes, and joined ones, which Unicode does not decompose.
_UNMARKED = str.maketrans(
    {"\u00df": "ss", "\u00e6": "ae", "\u00f0": "d", "\u00f8": "o", "\u00fe": "th", "\u0111": "d",
     "\u0127": "h", "\u0131": "i", "\u0142": "l", "\u014b": "ng", "\u0153": "oe", "\u0167": "t"}
)  # fmt: skip

_ORPHAN_MARKS = re.compile(r"(?<![^ '])[^\w ']+")  # here, only marks are outside \w, " " and "'"
_DOTTED_I = re.compile("(i[\u0316-\u0319\u031b-\u0333]*)\u0307")  # NFD: marks below come first


def normalize(text: str) -> str:
    r"""Normalise a text to lower-case words of letters, marks, digits and inner apostrophes (NFC).

    Everything else (punctuation, symbols, line ends) separates words. The words are joined by
    single spaces.

    - Characters without a shape of their own are removed and never separate words: soft hyphen,
      zero width space and joiners, byte order mark, direction marks, variation selectors, fillers;
      so are lines that lengthen Arabic words (kashida).
    - Letters and digits that differ only in presentation become the plain ones: full and half
      width, mathematical alphabets, Arabic presentation forms, Latin ligatures, Greek symbols. This
      is less than NFKC, which would also change the usual spelling of Thai, Lao and Armenian, and
      read superscripts and fractions as digits.
    - Lower-casing does not depend on the language: capital I, with or without a dot, becomes i,
      capital sharp s becomes ß, sigma becomes ς at the end of a word.
    - Marks without a letter before them, and enclosing marks (keycaps), are removed.

    >>> normalize("It\u2019s  T-shirt 'time'!")
    "it's t shirt time"
    >>> normalize("co\u00adoperate")
    'cooperate'
    """
    if text.isascii():
        spaced = text.translate(_ASCII)
    else:
        plain = unicodedata.normalize("NFC", text).translate(_PLAIN)
        spaced = _lower(_ORPHAN_MARKS.sub("", plain))
    if "'" not in spaced:
        return " ".join(spaced.split())
    return " ".join(word for w in spaced.split() if (word := w.strip("'")))


def without_accents(text: str) -> str:
    r"""A text without marks on its letters, and with two letters for joined ones.

    >>> without_accents("na\u00efve caf\u00e9"), without_accents("\u0142\u00f3d\u017a gro\u00df")
    ('naive cafe', 'lodz gross')
    """
    decomposed = unicodedata.normalize("NFD", text).translate(_UNMARKED)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", plain)


class _Plain(dict[int, str]):
    """The replacement of each character before lower-casing, computed when it is first needed."""

    def __missing__(self, code: int) -> str:
        plain = self[code] = _plain(chr(code))
        return plain


_PLAIN = _Plain(_APOSTROPHES)


def _plain(character: str) -> str:
    code, category = ord(character), unicodedata.category(character)
    if category == "Cf":
        return " " if character in _SEPARATORS else ""
    if (
        category == "Me"
        or character == _KASHIDA
        or any(first <= code <= last for first, last in _IGNORABLE)
    ):
        return ""
    if category[0] not in "LMN":
        return " "
    tag = unicodedata.decomposition(character).partition(" ")[0]
    is_ligature = tag == "<compat>" and (code < _GREEK_END or _LIGATURES <= code < _LIGATURES_END)
    if tag not in _PRESENTATIONS and not is_ligature:
        return character
    letters = unicodedata.normalize("NFKC", character).translate(_APOSTROPHES)
    is_text = all(c in " '" or unicodedata.category(c)[0] in "LMN" for c in letters)
    # If it begins with a space, the character is a spacing form of a mark.
    return letters if is_text and not letters.startswith(" ") else character


def _lower(text: str) -> str:
    lowered = text.lower()
    if "\u0307" in lowered:  # Python turns İ into an i with a second dot
        lowered = _DOTTED_I.sub(r"\1", unicodedata.normalize("NFD", lowered))
    return unicodedata.normalize("NFC", lowered)
