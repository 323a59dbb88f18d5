import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.text import normalize
from speechlstm.text.normalize import without_accents

BETWEEN_WORDS = "\u06dd\u08e2\ufff9\ufffa\ufffb"  # the format characters that separate
FULL_WIDTH = [chr(code) for code in range(0xFF01, 0xFF5F)]
WRITING = st.text(st.characters(categories=["L", "M", "N", "Cf", "P", "Zs"]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \t\r\n ", ""),
        ("'", ""),
        ("Hello, World!", "hello world"),
        ("\ufeffstart", "start"),
        ("don't", "don't"),
        ("don\u2019t", "don't"),
        ("don\uff40t", "don't"),
        ("'twas the dogs' 'bone'", "twas the dogs bone"),
        ("T-shirt/jeans", "t shirt jeans"),
        ("3.5 km", "3 5 km"),
        ("cafe\u0301", "caf\u00e9"),
        ("STRASSE Straße", "strasse straße"),
        ("привет, мир", "привет мир"),
        ("नमस्ते दुनिया", "नमस्ते दुनिया"),
        ("one\u00a0two\u2028three", "one two three"),
        ("STRA\u1e9eE", "straße"),
        ("ΟΔΟΣ.ΟΔΟΣ'", "οδος οδος"),
        (
            "\u0130stanbul I\u0307stanbul i\u0307stanbul ISTANBUL",
            "istanbul istanbul istanbul istanbul",
        ),
        ("I\u0323\u0307", "\u1ecb"),
        ("I\u0307\u0301", "\u00ed"),  # as Lithuanian dictionaries mark it
        ("ż Ż", "ż ż"),
        ("\uff28\uff25\uff2c\uff2c\uff2f\u3000\uff11\uff12", "hello 12"),
        ("\uff76\uff9e", "\u30ac"),  # half width ka and its voice mark
        ("\U0001d5db\U0001d5f2\U0001d5f9\U0001d5f9\U0001d5fc", "hello"),
        ("\ufb01nd \ufb03x \u0132ssel \u017fo 2 \u00b5m", "find ffix ijssel so 2 \u03bcm"),
        ("\u0645\u0640\u0640\u062f", "\u0645\u062f"),  # a lengthened Arabic word
        ("O\u02bbzbek o\u2018zbek", "o'zbek o'zbek"),  # two ways to write Uzbek's mark
        ("\ufee3\ufeae\ufea3\ufe92\ufe8e", "\u0645\u0631\u062d\u0628\u0627"),  # Arabic forms
        ("\u0e19\u0e49\u0e33 \u0587 \u00bd m\u00b2", "\u0e19\u0e49\u0e33 \u0587 \u00bd m\u00b2"),
        ("\u0661\u0662", "\u0661\u0662"),
        ("1\ufe0f\u20e3 !\u0301a \u0301", "1 a"),
        ("ca\u2019\u0301n", "ca'n"),
    ],
)
def test_known_texts(text: str, expected: str) -> None:
    assert normalize(text) == expected


@pytest.mark.parametrize(
    ("with_format_characters", "plain"),
    [
        ("co\u00adope\u00adrate", "cooperate"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u0937"),  # Devanagari with a joiner
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645",
        ),
        ("zero\u200bwidth", "zerowidth"),
        ("by\ufeffte", "byte"),
        ("word\u2060joiner", "wordjoiner"),
        ("\u2066a\u200eb\u200fc\u2069 \u202ad\u202c", "abc d"),
        ("hea\ufe0frt\U000e0100", "heart"),
        ("\u1828\u180b\u1820", "\u1828\u1820"),  # Mongolian's variation selector
        ("e\u034f\u0301", "\u00e9"),
        ("\u1112\u1161\u3164\u11ab", "\ud55c"),
        ("a\U000e0041b", "ab"),
        ("a \u200b b", "a b"),
        ("'\u200bquoted\u200b'", "quoted"),
        ("a\ufffabc", "a bc"),
        ("a\u06ddb", "a b"),
    ],
)
def test_format_characters_never_split_words(with_format_characters: str, plain: str) -> None:
    assert normalize(with_format_characters) == plain


@given(st.text(), st.text(), st.characters(categories=["Cf"], exclude_characters=BETWEEN_WORDS))
def test_a_format_character_changes_nothing_anywhere(before: str, after: str, mark: str) -> None:
    assert normalize(f"a{before}b{mark}c{after}d") == normalize(f"a{before}bc{after}d")
    assert normalize(f"b{mark}c") == "bc"


@given(st.text(st.sampled_from(FULL_WIDTH)))
def test_full_width_text_is_as_plain_text(text: str) -> None:
    assert normalize(text) == normalize(unicodedata.normalize("NFKC", text))


@given(st.text() | WRITING)
def test_normalised_text_has_only_words_and_single_spaces(text: str) -> None:
    normalized = normalize(text)
    assert normalized == " ".join(normalized.split())
    assert all(c in " '" or unicodedata.category(c)[0] in "LMN" for c in normalized)


@given(st.text() | WRITING)
def test_normalising_again_changes_nothing(text: str) -> None:
    assert normalize(normalize(text)) == normalize(text)


@given(st.text() | WRITING)
def test_decomposed_text_gives_the_same(text: str) -> None:
    assert normalize(unicodedata.normalize("NFD", text)) == normalize(text)


@given(st.text(st.characters(codec="ascii")))
def test_ascii_takes_a_quicker_way_to_the_same(text: str) -> None:
    assert normalize(text) == normalize(text + "\u2028")  # parts words, and is not ASCII


def test_accents_are_dropped() -> None:
    assert without_accents("na\u00efve cafe\u0301 \u016f") == "naive cafe u"


def test_letters_that_unicode_does_not_decompose_become_their_likes() -> None:
    latin = "\u0142\u00f8\u0111\u0127\u0167\u0131 \u00df\u00e6\u0153\u00fe\u014b \u00f0"
    assert without_accents(latin) == "lodhti ssaeoethng d"
