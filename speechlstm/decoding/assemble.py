"""From the files and settings of a decoder to the decoder."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.decoder import Decoder, GreedyDecoder
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.nbest import NBestDecoder
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import LanguageModelError
from speechlstm.lm.interpolation import InterpolatedModel
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.model import LanguageModel, SearchModel
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import Phones


class DecoderAssembly:
    """The language models and the lexicon of a decoder, loaded once for decoders of any weights.

    A model that emits characters and phones is read by its phones where there is a lexicon of them,
    unless the lexicon lacks a hot word and nothing gives the phones of that: how it is spelled is
    known, so the characters are read instead.

    Args:
        spec: The files; the hot words.
        alphabet: The characters of the acoustic model's output.
        phones: Those of its second output; None: it has none.

    Attributes:
        lexicon: The words; None: any.
        ngrams: The n-gram language model; None: there is none.
        alphabet: What the decoder reads.
        reads_phones: Whether it reads the phones.

    Raises:
        LanguageModelError: A language model cannot be read, or belongs to another alphabet.
        LexiconError: The lexicon cannot be read.
        ModelError: The network that gives phones cannot be read.
        AlphabetError: A hot word has characters that nothing gives the phones of.
    """

    def __init__(self, spec: DecoderSpec, alphabet: Alphabet, phones: Alphabet | None) -> None:
        self._spec, self._characters = spec, alphabet
        self.lexicon = LexiconTree.load(spec.lexicon, phones or alphabet) if spec.lexicon else None
        self._pronunciations: Mapping[str, Sequence[Phones]] = {}
        if phones and self.lexicon:
            pronunciations = _pronunciations(spec, self.lexicon)
            if pronunciations is None:
                self.lexicon = None
            else:
                self._pronunciations = pronunciations
        self.reads_phones = bool(phones and self.lexicon)
        self.alphabet = phones if phones and self.lexicon else alphabet
        self.ngrams = _load_ngrams(spec.lm, alphabet) if spec.lm else None

    @cached_property
    def lstm(self) -> LSTMLanguageModel | None:
        """The LSTM language model, read when it is first needed.

        Raises:
            LanguageModelError: It cannot be read, or belongs to another alphabet.
        """
        if not self._spec.neural_lm:
            return None
        lstm = LSTMLanguageModel(self._spec.neural_lm)
        _check_alphabet(lstm, self._spec.neural_lm, self._characters)
        return lstm

    def decoder(self, frame_seconds: float) -> NBestDecoder:
        """The decoder as the spec has it.

        Prior and calibration are left out where another output is read than the lexicon's: they
        were found for that.

        Args:
            frame_seconds: From one frame of the acoustic model to the next.

        Raises:
            Errors of `with_settings`.
        """
        spec = self._spec
        is_as_tuned = bool(self.lexicon) == bool(spec.lexicon)
        return self.with_settings(
            frame_seconds,
            spec.config,
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
        """A decoder of other settings; its hot words must be those of the spec.

        Args:
            frame_seconds: From one frame of the acoustic model to the next.
            config: Of the search.
            neural_lm_config: How the LSTM language model takes part.
            prior: Of the labels.
            calibration: Of the words' confidences.
            plain: Decodes where no hot word is found; None: the search.

        Raises:
            LanguageModelError: The LSTM cannot be read, or has no word in common with the n-grams.
            Errors of `BeamDecoder`.
        """
        lm, rescorer = self._language_models(neural_lm_config)
        return NBestDecoder(
            self.alphabet,
            frame_seconds,
            config,
            lm,
            self.lexicon,
            calibration,
            prior,
            rescorer,
            self._pronunciations,
            plain,
        )

    def _language_models(
        self, config: NeuralLMConfig
    ) -> tuple[SearchModel | None, LanguageModel | None]:
        """What takes part in the search, and what scores its n-best list anew; None: nothing."""
        if not (self.ngrams and config.weight and self.lstm):
            return self.ngrams, None
        both = InterpolatedModel(self.ngrams, self.lstm, config.weight, config.context_words)
        return (both, None) if config.mode == "fuse" else (self.ngrams, both)


def _searches_for_hot_words_only(spec: DecoderSpec) -> bool:
    """Whether the likeliest label of each frame would be taken if it were not for hot words."""
    if spec.lm or spec.lexicon or any((word.weight or 0) < 0 for word in spec.config.hot_words):
        return False
    unset = DecodeConfig(
        hot_words=spec.config.hot_words, hot_word_weight=spec.config.hot_word_weight
    )
    return bool(spec.config.hot_words) and spec.config == unset


def _pronunciations(
    spec: DecoderSpec, lexicon: LexiconTree
) -> Mapping[str, Sequence[Phones]] | None:
    """Of the hot words that a lexicon of phones lacks; None: nothing gives them."""
    hot_words = dict.fromkeys(w for hot in spec.config.hot_words for w in hot.phrase.split())
    known = set(lexicon.words) if hot_words else set()
    missing = [word for word in hot_words if word not in known]
    if not missing:
        return {}
    if not spec.g2p:
        return None
    pronounce = G2PModel(spec.g2p).pronounce
    return {word: [pronounce(word)] for word in missing}


def _load_ngrams(path: Path, alphabet: Alphabet) -> NGramModel:
    ngrams = NGramModel.load(path)
    _check_alphabet(ngrams, path, alphabet)
    return ngrams


def _check_alphabet(lm: LanguageModel, path: Path, alphabet: Alphabet) -> None:
    if lm.alphabet_sha256 not in (None, alphabet.sha256):
        raise LanguageModelError(
            path,
            f"is for the alphabet {lm.alphabet_sha256:.12}..., the model has {alphabet.sha256:.12}"
            "...; make one with: speechlstm lm build --bundle, speechlstm lm train --bundle",
        )
