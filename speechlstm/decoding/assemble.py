"""Makes a decoder from its files and settings."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.decoding.beam import BeamDecoder
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.grammar import PhraseGrammar, filler_names, grammar_config, grammar_lexicon
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.nbest import NBestDecoder
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import AlphabetError, LanguageModelError, quoted
from speechlstm.lm.interpolation import InterpolatedModel
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.model import LanguageModel, SearchModel
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import Phones
from speechlstm.text.normalize import without_accents
from speechlstm.text.phrases import UNKNOWN, Phrase


class DecoderAssembly:
    """The language models and the lexicon of a decoder, loaded once for decoders with any settings.

    If the acoustic model has outputs for characters and phones and there is a lexicon of phones,
    the decoder reads the phones. But if the lexicon lacks a hot word and there is no G2P network
    for it, the decoder reads the characters, which any word can be spelled with.

    Args:
        spec: The files and hot words.
        alphabet: The characters of the acoustic model's output.
        phones: The phones of its second output; None: there is none.

    Attributes:
        lexicon: The words; None: any word is possible.
        ngrams: The n-gram language model; None: there is none.
        alphabet: The symbols that the decoder reads.
        reads_phones: Whether these are the phones.
        grammar: The grammar, if there are phrases; None: any text is possible.

    Raises:
        LanguageModelError: A language model cannot be read, or was built for another alphabet.
        LexiconError: The lexicon cannot be read.
        ModelError: The G2P network cannot be read.
        AlphabetError: A hot word has characters that the G2P network cannot pronounce.
    """

    def __init__(self, spec: DecoderSpec, alphabet: Alphabet, phones: Alphabet | None) -> None:
        self._spec, self._characters = spec, alphabet
        self.lexicon = LexiconTree.load(spec.lexicon, phones or alphabet) if spec.lexicon else None
        self._pronunciations: Mapping[str, Sequence[Phones]] = {}
        self.grammar: PhraseGrammar | None = None
        if spec.phrases:
            self._load_grammar(spec, phones)
        elif phones and self.lexicon:
            pronunciations = _pronunciations(spec, self.lexicon, phones)
            if pronunciations is None:
                self.lexicon = None
            else:
                self._pronunciations = pronunciations
        if not spec.phrases:
            self.reads_phones = bool(phones and self.lexicon)
        self.alphabet = phones if phones and self.reads_phones else alphabet
        self.ngrams = _load_ngrams(spec.lm, alphabet) if spec.lm else None

    def _load_grammar(self, spec: DecoderSpec, phones: Alphabet | None) -> None:
        """The grammar of the phrases, and in place of the lexicon one of its words."""
        pronunciations = None
        if phones and self.lexicon:
            pronunciations = phrase_pronunciations(spec.phrases, self.lexicon, phones, spec.g2p)
        alphabet = phones if phones and pronunciations is not None else self._characters
        self.grammar = PhraseGrammar(spec.phrases, filler_names(alphabet))
        self.lexicon = grammar_lexicon(self.grammar, alphabet, pronunciations or {}, spec.phrases)
        self.reads_phones = alphabet is phones

    @cached_property
    def lstm(self) -> LSTMLanguageModel | None:
        """The LSTM language model, loaded when it is first needed.

        Raises:
            LanguageModelError: It cannot be read, or was built for another alphabet.
        """
        if not self._spec.neural_lm:
            return None
        lstm = LSTMLanguageModel(self._spec.neural_lm)
        _check_alphabet(lstm, self._spec.neural_lm, self._characters)
        return lstm

    def decoder(self, frame_seconds: float) -> NBestDecoder:
        """The decoder with the settings of the spec.

        Prior and calibration are left out if another output is read than the lexicon's, because
        they were estimated for that.

        Args:
            frame_seconds: Seconds from one frame of the acoustic model to the next.

        Raises:
            ModelError: As in `with_settings`.
        """
        spec = self._spec
        is_as_tuned = bool(self.lexicon) == bool(spec.lexicon)
        if self.grammar:  # of characters where phones were tuned, if words have no pronunciation
            is_as_tuned = self.reads_phones or not spec.lexicon
        return self.with_settings(
            frame_seconds,
            grammar_config(spec.config, self.grammar) if self.grammar else spec.config,
            spec.neural_lm_config,
            spec.prior if is_as_tuned else None,
            spec.calibration if is_as_tuned else None,
            GreedyDecoder(self.alphabet, frame_seconds)
            if _searches_for_hot_words_only(spec)
            else None,
        )

    def with_settings(
        self,
        frame_seconds: float,
        config: DecodeConfig,
        neural_lm_config: NeuralLMConfig,
        prior: Prior | None = None,
        calibration: Calibration | None = None,
        plain: Decoder | None = None,
    ) -> NBestDecoder:
        """A decoder with other settings. Its hot words must be those of the spec.

        Args:
            frame_seconds: Seconds from one frame of the acoustic model to the next.
            plain: The decoder for utterances in which no hot word is found; None: the search.

        Raises:
            ModelError: The LSTM cannot be read, language models and lexicon have no word in common,
                or one of them was built for another alphabet.
            ConfigError: A hot word cannot be spelled in the decoder's symbols.
        """
        lm, rescoring_lm = self._language_models(neural_lm_config)
        beam = BeamDecoder(self.alphabet, config, lm, self.lexicon, prior, self._pronunciations)
        return NBestDecoder(beam, frame_seconds, calibration, rescoring_lm, plain, self.grammar)

    def _language_models(
        self, config: NeuralLMConfig
    ) -> tuple[SearchModel | None, LanguageModel | None]:
        """The language model of the search, and the one that rescores its n-best list."""
        if self.grammar:
            return self.grammar, None
        if not (self.ngrams and config.weight and self.lstm):
            return self.ngrams, None
        both = InterpolatedModel(self.ngrams, self.lstm, config.weight, config.context_words)
        return (both, None) if config.mode == "fuse" else (self.ngrams, both)


def _searches_for_hot_words_only(spec: DecoderSpec) -> bool:
    """Whether decoding would be greedy if there were no hot words."""
    if (
        spec.lm
        or spec.lexicon
        or spec.phrases
        or any((word.weight or 0) < 0 for word in spec.config.hot_words)
    ):
        return False
    unset = DecodeConfig(
        hot_words=spec.config.hot_words, hot_word_weight=spec.config.hot_word_weight
    )
    return bool(spec.config.hot_words) and spec.config == unset


def phrase_pronunciations(
    phrases: Sequence[Phrase], lexicon: LexiconTree, phones: Alphabet, g2p: Path | None
) -> Mapping[str, Sequence[Sequence[str]]] | None:
    """The phones of the words of phrases, by the lexicon or else by the G2P network.

    Returns:
        None if the lexicon lacks a word and there is no network.

    Raises:
        AlphabetError: The network cannot pronounce a word; it says where the phrase was read.
        BundleError: The network cannot be read.
    """
    spoken = {w: p for p in phrases if p.text != UNKNOWN for w in p.text.split()}
    found = lexicon.pronunciations(spoken, phones)
    missing = {word: f"{phrase.where}: {word}" for word, phrase in spoken.items()}
    missing = {word: where for word, where in missing.items() if word not in found}
    others = _pronounced(missing, lexicon, phones, g2p)
    return None if others is None else {**found, **others}


def _pronounced(
    words: Mapping[str, str], lexicon: LexiconTree, phones: Alphabet, g2p: Path | None
) -> Mapping[str, Sequence[Phones]] | None:
    """The pronunciations of words that a lexicon lacks, with accents as without.

    Args:
        words: The words, and where they were read, for errors.
        lexicon: May have them without accents.
        phones: Its symbols.
        g2p: The G2P network for the others.

    Returns:
        None if the network is needed, and there is none.

    Raises:
        AlphabetError: The network cannot pronounce a word.
        BundleError: The network cannot be read.
    """
    plain = {word: without_accents(word) for word in words}
    known = lexicon.pronunciations(plain.values(), phones)
    found = {word: known[plain[word]] for word in words if plain[word] in known}
    missing = [word for word in words if word not in found]
    if not missing:
        return found
    if not g2p:
        return None
    pronounce = G2PModel(g2p).pronounce
    for word in missing:
        try:
            found[word] = [pronounce(plain[word])]
        except AlphabetError as error:
            raise AlphabetError(error.symbols, words[word]) from None
    return found


def _pronunciations(
    spec: DecoderSpec, lexicon: LexiconTree, phones: Alphabet
) -> Mapping[str, Sequence[Phones]] | None:
    """The pronunciations of hot words that a lexicon of phones lacks; None: there is no G2P."""
    hot_words = dict.fromkeys(w for hot in spec.config.hot_words for w in hot.phrase.split())
    known = set(lexicon.words) if hot_words else set()
    missing = {word: f"hot word {quoted(word)}" for word in hot_words if word not in known}
    return _pronounced(missing, lexicon, phones, spec.g2p)


def _load_ngrams(path: Path, alphabet: Alphabet) -> NGramModel:
    ngrams = NGramModel.load(path)
    _check_alphabet(ngrams, path, alphabet)
    return ngrams


def _check_alphabet(lm: LanguageModel, path: Path, alphabet: Alphabet) -> None:
    if lm.alphabet_sha256 not in (None, alphabet.sha256):
        raise LanguageModelError(
            path,
            f"is for the alphabet {lm.alphabet_sha256:.12}..., the model has {alphabet.sha256:.12}"
            "...; make one with speechlstm lm build --bundle or speechlstm lm train --bundle",
        )
