"""The alphabet of the new model: that of the base, or that of the user's texts."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from speechlstm.corpora.manifest import Utterance
from speechlstm.errors import TrainingError, quoted
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.normalize import without_accents

_MAX_FOREIGN = 0.1  # share of the texts that may have letters that the base lacks: loan words
_TONES = re.compile(r"(?<=[^\W\d])\d")  # ma3; a number is a word of its own, or begins one (3rd)


@dataclass(frozen=True)
class AlphabetChoice:
    """The alphabet of the new model.

    Attributes:
        utterances: The utterances, with texts in this alphabet as far as possible.
        reason: Why this alphabet was chosen, in one line.
    """

    alphabet: Alphabet
    utterances: list[Utterance]
    reason: str


def choose_alphabet(utterances: Sequence[Utterance], base: Alphabet) -> AlphabetChoice:
    """The alphabet of the base if nearly all texts can be written in it, else that of the texts.

    With the alphabet of the base, accents of other letters are dropped (café: cafe). If few texts
    have digits, a new alphabet has none; these texts are left out later, since it is not known how
    the numbers were spoken. Digits at the end of words in most texts are tones, and so letters.

    Args:
        utterances: Their texts are normalised.

    Raises:
        TrainingError: No text has a letter.
    """
    texts = [utterance.text or "" for utterance in utterances]
    if not any(texts):
        raise TrainingError(
            "no text holds a letter; write what is said in each recording into its text"
        )
    known = set(base.symbols)
    foreign = [text for text in texts if _letters(text) - known]
    with_tones = [text for text in texts if set(_TONES.findall(text)) - known]
    if 2 * len(with_tones) < len(texts) and len(foreign) < _MAX_FOREIGN * len(texts):
        plain = [
            replace(u, text=without_accents(t)) if _letters(t) - known else u
            for u, t in zip(utterances, texts, strict=True)
        ]
        return AlphabetChoice(
            base, plain, f"alphabet: that of the base, {len(base.symbols)} characters"
        )
    without_digits = [text for text in texts if not any(map(str.isdigit, text))]
    few_numbers = len(texts) - len(without_digits) < _MAX_FOREIGN * len(texts)
    alphabet = Alphabet.from_texts(without_digits if few_numbers else texts)
    new = [symbol for symbol in alphabet.symbols if symbol not in known]
    return AlphabetChoice(
        alphabet,
        list(utterances),
        f"another alphabet, {len(alphabet.symbols)} characters ({quoted(' '.join(new))} are new): "
        "the base's recurrent layers are kept, its lexicon and language models are not",
    )


def _letters(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character)[0] in "LM"}
