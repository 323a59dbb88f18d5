"""Whether texts can be written in the base's alphabet, or need one of their own."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from speechlstm.corpora.manifest import Utterance
from speechlstm.errors import TrainingError, quoted
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.similar import without_accents

_FOREIGN = 0.1  # share of texts with letters that the base lacks: a loan word now and then is less


@dataclass(frozen=True)
class Language:
    """What the new model writes.

    Attributes:
        alphabet: Its characters.
        utterances: With texts as the alphabet has them.
        reason: Why this alphabet, in a line.
    """

    alphabet: Alphabet
    utterances: list[Utterance]
    reason: str


def choose_language(utterances: Sequence[Utterance], base: Alphabet) -> Language:
    """The base's alphabet, where nearly all texts are written in it; otherwise the texts' own.

    In the first case accents of other letters are dropped (café: cafe). Digits stay foreign, in
    an alphabet of the texts' own if few have them: texts with them are left out later, for nothing
    tells how they were spoken.

    Args:
        utterances: Their texts are normalised.
        base: The base's alphabet.

    Raises:
        TrainingError: No text holds a letter.
    """
    texts = [utterance.text or "" for utterance in utterances]
    if not any(texts):
        raise TrainingError(
            "no text holds a letter; write what is said in each recording into its text"
        )
    known = set(base.symbols)
    foreign = [text for text in texts if _letters(text) - known]
    if len(foreign) < _FOREIGN * len(texts):
        plain = [
            replace(u, text=without_accents(t)) if _letters(t) - known else u
            for u, t in zip(utterances, texts, strict=True)
        ]
        return Language(base, plain, f"alphabet: that of the base, {len(base.symbols)} characters")
    without_digits = [text for text in texts if not any(map(str.isdigit, text))]
    few_numbers = len(texts) - len(without_digits) < _FOREIGN * len(texts)
    alphabet = Alphabet.from_texts(without_digits if few_numbers else texts)
    new = [symbol for symbol in alphabet.symbols if symbol not in known]
    return Language(
        alphabet,
        list(utterances),
        f"another alphabet, {len(alphabet.symbols)} characters ({quoted(' '.join(new))} are new): "
        "the base's recurrent layers are kept, its lexicon and language models are not",
    )


def _letters(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character)[0] in "LM"}
