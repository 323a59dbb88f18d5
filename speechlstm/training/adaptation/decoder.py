"""The base's lexicon and n-grams, with the user's words and sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from speechlstm.bundle import Bundle
from speechlstm.config import DecodeConfig
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import AlphabetError, counted
from speechlstm.lm.ngram.estimate import estimate
from speechlstm.lm.ngram.mixture import choose_weight, interpolate, own_model
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.lm.ngram.quantize import quantize
from speechlstm.lm.ngram.trie import build_trie
from speechlstm.lm.text import read_sentences, tokenize
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import Lexicon, Phones
from speechlstm.training.adaptation.adaptation import Adaptation
from speechlstm.training.adaptation.clock import LANGUAGE

_ORDER = 3
_MANY_WORDS = 500_000  # from here on n-grams that are hardly ever seen are left out, for the size
_PRUNE = (0, 1, 2)
# Where tuning starts with n-grams of a few texts, to which many words are unknown: on 26 German
# recordings after 600 sentences WER 61.9 and CER 18.9 %, greedily 74.4 and 22.0, by default weights
# 75.1 and 26.4.
_OWN_LANGUAGE = DecodeConfig(lm_weight=0.5, word_bonus=0.0, unknown_character_log_prob=-2.0)


def make_decoder(adaptation: Adaptation, texts: Sequence[Path]) -> None:
    """Write lexicon and n-grams of an adaptation, unless it has them.

    Args:
        texts: Files of sentences.
    """
    work, base, report = adaptation.work, adaptation.base, adaptation.report
    if (work / "lm.ngram").exists():
        return
    report(adaptation.clock.begin(LANGUAGE))
    transcripts = [u.text for u in adaptation.learnt if u.text]
    lexicon = adaptation.lexicon
    if lexicon and not lexicon.exists():
        sentences = chain(transcripts, *map(read_sentences, texts))
        new = write_lexicon(lexicon, base, chain.from_iterable(map(str.split, sentences)))
        report(_describe_words(new.added, "sounded out for the lexicon"))
        if new.unspoken:
            report(_describe_words(new.unspoken, "cannot be sounded out, left out"))
    weight = write_ngrams(
        work / "lm.ngram",
        base.decoder.lm if adaptation.same_labels else None,
        adaptation.alphabet,
        transcripts,
        list(chain.from_iterable(map(read_sentences, texts))),
        adaptation.keep,
    )
    report(f"n-grams: {weight:.0%} of the base, {1 - weight:.0%} of your texts")


def _describe_words(words: Sequence[str], what: str) -> str:
    shown = ", ".join(words[:8]) + (", ..." if len(words) > 8 else "")
    return f"{counted(len(words), 'word')} {what}" + (f": {shown}" if words else "")


@dataclass(frozen=True)
class NewWords:
    """What came of the words that a lexicon lacked.

    Attributes:
        added: They were sounded out.
        unspoken: They hold characters that nothing gives the phones of.
    """

    added: list[str]
    unspoken: list[str]


def write_lexicon(path: Path, bundle: Bundle, words: Iterable[str]) -> NewWords:
    """Write a bundle's lexicon of phones as a dictionary, with words that it lacks.

    Args:
        path: The dictionary.
        bundle: It has phones and a lexicon of them.
        words: Of the user's texts.

    Raises:
        ModelError: The lexicon, or the network that gives phones, cannot be read.
    """
    phones, decoder = bundle.acoustic.phones, bundle.decoder
    if not (phones and decoder.lexicon):
        raise ValueError("the bundle has no lexicon of phones")
    tree = LexiconTree.load(decoder.lexicon, phones)
    entries = {
        word: tuple(tuple(phones.symbols[label - 1] for label in way) for way in ways)
        for word, ways in tree.sequences_of(tree.words).items()
    }
    lexicon = Lexicon(entries)
    pronounce = G2PModel(decoder.g2p).pronounce if decoder.g2p else None
    added: dict[str, tuple[Phones, ...]] = {}
    unspoken = []
    for word in sorted(set(words) - entries.keys()):
        ways = lexicon[word]  # of possessives
        try:
            if not ways and pronounce:
                ways = (pronounce(word),)
        except AlphabetError:
            pass
        if ways:
            added[word] = ways
        else:
            unspoken.append(word)
    Lexicon(entries | added).write(path)
    return NewWords(list(added), unspoken)


def write_ngrams(
    path: Path,
    base: Path | None,
    alphabet: Alphabet,
    transcripts: Sequence[str],
    sentences: Sequence[str],
    keep: float,
) -> float:
    """Write the n-grams of a user's sentences, mixed with the base's where there are any.

    Args:
        path: The packed model.
        base: The base's n-gram model; None: there is none.
        alphabet: That of the acoustic model.
        transcripts: Normalised, of what is learnt from: the share of the base is found on them.
        sentences: Normalised, of other texts.
        keep: The base's share, at least.

    Returns:
        The base's share.

    Raises:
        LanguageModelError: The base's model cannot be read.
    """
    texts = [*transcripts, *sentences]
    large = sum(len(text.split()) for text in texts) > _MANY_WORDS
    prune = _PRUNE if large else (0,)
    if base is None:
        table, weight = estimate(tokenize(texts), _ORDER, prune).table, 0.0
    else:
        model = NGramModel.load(base)
        weight = max(keep, choose_weight(model, transcripts))
        own = own_model(texts, model, model.order, prune[: model.order])
        table = interpolate(model, own, weight)
    write_packed(path, quantize(build_trie(table)), alphabet.sha256)
    return weight


def decoder_of(base: DecoderSpec | None, lm: Path, lexicon: Path | None) -> DecoderSpec:
    """The base's decoder with other n-grams and another lexicon; of another language, a new one.

    Args:
        base: The base's; None: its labels are others.
        lm: The n-grams.
        lexicon: The lexicon; None: that of the base stays.
    """
    if base is None:
        return DecoderSpec(config=_OWN_LANGUAGE, lm=lm)
    return replace(base, lm=lm, lexicon=lexicon or base.lexicon, calibration=None)
