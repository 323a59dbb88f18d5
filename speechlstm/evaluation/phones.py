"""Phone error rates: the words of references and hypotheses as phones."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from speechlstm.errors import AlphabetError
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.text.lexicon import Lexicon, Phones

# The phones of some words, as far as they are known.
Pronounce = Callable[[Set[str]], Mapping[str, Phones]]


@dataclass(frozen=True)
class PhoneErrors:
    """Errors in phones.

    Attributes:
        counts: The errors in the utterances whose words can all be pronounced.
        num_left_out: How many other utterances there are.
    """

    counts: ErrorCounts
    num_left_out: int

    @property
    def per(self) -> float | None:
        """Phone error rate; None: no utterance could be pronounced."""
        is_measured = self.counts.num_reference or self.counts.num_errors or not self.num_left_out
        return self.counts.rate if is_measured else None


def phone_errors(texts: Sequence[tuple[str, str]], pronounce: Pronounce) -> PhoneErrors:
    """Compare references and hypotheses phone by phone, without marks between words.

    >>> lexicon = {"two": ("T", "UW"), "to": ("T", "UW"), "do": ("D", "UW")}
    >>> phone_errors([("two", "to"), ("two", "do")], lambda words: lexicon).counts.rate
    0.25

    Args:
        texts: The reference and the hypothesis of each utterance, both normalised.
        pronounce: See by_lexicon and by_bundle. Each word has one pronunciation.
    """
    ways = pronounce({word for pair in texts for text in pair for word in text.split()})
    total, num_left_out = ErrorCounts(), 0
    for pair in texts:
        if not all(word in ways for text in pair for word in text.split()):
            num_left_out += 1
            continue
        phones = [" ".join(p for word in text.split() for p in ways[word]) for text in pair]
        total += word_errors(*phones)
    return PhoneErrors(total, num_left_out)


def by_lexicon(path: Path) -> Pronounce:
    """The most usual pronunciations in a dictionary in CMUdict's format.

    Raises:
        DataError: As in Lexicon.read.
    """
    lexicon = Lexicon.read(path)

    def pronounce(words: Set[str]) -> Mapping[str, Phones]:
        return {word: lexicon[word][0] for word in words if lexicon[word]}

    return pronounce


def by_bundle(bundle: Path | None) -> Pronounce | None:
    """The pronunciations in a bundle's lexicon, of other words those of its G2P network.

    Returns:
        None if the bundle has no lexicon of phones.
    """
    # `score` does not wait for LiteRT.
    from speechlstm.bundle import find_bundle, read_bundle
    from speechlstm.decoding.lexicon_tree import LexiconTree

    contents = read_bundle(find_bundle(bundle))
    phones, decoder = contents.acoustic.phones, contents.decoder
    if not phones or not decoder.lexicon:
        return None
    lexicon = LexiconTree.load(decoder.lexicon, phones)

    def pronounce(words: Set[str]) -> Mapping[str, Phones]:
        found = {word: ways[0] for word, ways in lexicon.pronunciations(words, phones).items()}
        return found | _by_network(words - found.keys(), decoder.g2p)

    return pronounce


def _by_network(words: Set[str], path: Path | None) -> dict[str, Phones]:
    from speechlstm.text.g2p import G2PModel

    found: dict[str, Phones] = {}
    if words and path:
        network = G2PModel(path)
        for word in sorted(words):
            try:
                found[word] = network.pronounce(word)
            except AlphabetError:  # such as figures
                continue
    return found
