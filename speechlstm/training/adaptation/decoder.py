"""The decoder step: lexicon and n-gram model of the base, with the user's words and sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from speechlstm.bundle import Bundle
from speechlstm.config import DecodeConfig
from speechlstm.corpora.sentences import sentences_of
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import AlphabetError, counted
from speechlstm.lm.ngram.estimate import estimate
from speechlstm.lm.ngram.mixture import choose_weight, interpolate, own_model
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.lm.ngram.quantize import quantize
from speechlstm.lm.ngram.trie import build_trie
from speechlstm.lm.text import tokenize
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import Lexicon, Phones
from speechlstm.training.adaptation.adaptation import Adaptation
from speechlstm.training.adaptation.time_left import LANGUAGE

_ORDER = 3
_MANY_WORDS = 500_000  # above, rare n-grams are pruned, to limit the size
_PRUNE = (0, 1, 2)
# Where tuning starts with the n-grams of few texts, in which many words are unknown. On 26 German
# recordings, with n-grams of 600 sentences: WER 61.9 % and CER 18.9 %; greedy 74.4 and 22.0; with
# the default weights 75.1 and 26.4.
_OWN_LANGUAGE = DecodeConfig(lm_weight=0.5, word_bonus=0.0, unknown_character_log_prob=-2.0)


def make_decoder(adaptation: Adaptation, texts: Sequence[Path]) -> None:
    """Write the lexicon and the n-gram model of an adaptation, unless they exist.

    Args:
        texts: Files of sentences, or manifests.
    """
    work, base, report = adaptation.work, adaptation.base, adaptation.report
    if (work / "lm.ngram").exists():
        return
    report(adaptation.time_left.begin(LANGUAGE))
    transcripts = [u.text for u in adaptation.train if u.text]
    lexicon = adaptation.lexicon
    if lexicon and not lexicon.exists():
        sentences = chain(transcripts, *map(sentences_of, texts))
        new = write_lexicon(lexicon, base, chain.from_iterable(map(str.split, sentences)))
        report(_describe_words(new.added, "added to the lexicon"))
        if new.left_out:
            report(_describe_words(new.left_out, "without pronunciation, left out"))
    weight = write_ngrams(
        work / "lm.ngram",
        base.decoder.lm if adaptation.same_labels else None,
        adaptation.alphabet,
        transcripts,
        list(chain.from_iterable(map(sentences_of, texts))),
        adaptation.keep,
    )
    report(f"n-grams: {weight:.0%} of the base, {1 - weight:.0%} of your texts")


def _describe_words(words: Sequence[str], what: str) -> str:
    shown = ", ".join(words[:8]) + (", ..." if len(words) > 8 else "")
    return f"{counted(len(words), 'word')} {what}" + (f": {shown}" if words else "")


@dataclass(frozen=True)
class NewWords:
    """The words of a text that a lexicon lacked.

    Attributes:
        added: Those that have been added, with their phones.
        left_out: Those whose phones are not known: the G2P network lacks one of their letters.
    """

    added: list[str]
    left_out: list[str]


def write_lexicon(path: Path, bundle: Bundle, words: Iterable[str]) -> NewWords:
    """Write the lexicon of a bundle as a dictionary, with further words.

    Args:
        bundle: A bundle with a lexicon of phones.
        words: The words of the user's texts.

    Raises:
        ModelError: The lexicon or the G2P network cannot be read.
    """
    phones, decoder = bundle.acoustic.phones, bundle.decoder
    if not (phones and decoder.lexicon):
        raise ValueError("the bundle has no lexicon of phones")
    tree = LexiconTree.load(decoder.lexicon, phones)
    entries: dict[str, tuple[Phones, ...]] = {
        word: tuple(ways) for word, ways in tree.pronunciations(tree.words, phones).items()
    }
    lexicon = Lexicon(entries)
    pronounce = G2PModel(decoder.g2p).pronounce if decoder.g2p else None
    added: dict[str, tuple[Phones, ...]] = {}
    left_out = []
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
            left_out.append(word)
    Lexicon(entries | added).write(path)
    return NewWords(list(added), left_out)


def write_ngrams(
    path: Path,
    base: Path | None,
    alphabet: Alphabet,
    transcripts: Sequence[str],
    sentences: Sequence[str],
    keep: float,
) -> float:
    """Write an n-gram model of the user's sentences, interpolated with that of the base.

    Args:
        base: The n-gram model of the base; None: there is none.
        alphabet: The alphabet of the acoustic model.
        transcripts: The normalised training transcripts, on which the weight of the base is chosen.
        sentences: Further normalised sentences.
        keep: The smallest weight of the base.

    Returns:
        The weight of the base.

    Raises:
        LanguageModelError: The model of the base cannot be read.
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
    """The decoder of the base with another n-gram model and lexicon; a new one without a base.

    Args:
        base: The decoder of the base; None: it has another alphabet.
        lexicon: The lexicon; None: that of the base.
    """
    if base is None:
        return DecoderSpec(config=_OWN_LANGUAGE, lm=lm)
    return replace(base, lm=lm, lexicon=lexicon or base.lexicon, calibration=None)
