"""The description of a decoder: its files and settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.prior import Prior
from speechlstm.errors import ConfigError
from speechlstm.text.normalize import normalize
from speechlstm.text.phrases import Phrase, read_phrases

_FAST_BEAM_WIDTH = 64
_FAST_SCORE_GAP = 10.0


@dataclass(frozen=True)
class FastDecoding:
    """Settings of a faster and less accurate search, without the LSTM language model.

    Attributes:
        calibration: Maps its confidences to probabilities; None: no calibration.
    """

    config: DecodeConfig
    calibration: Calibration | None = None


@dataclass(frozen=True)
class DecoderSpec:
    """The files and settings of a decoder; `speechlstm.decoding.assemble` makes the decoder.

    Attributes:
        lm: The n-gram language model, packed or ARPA; None: there is none.
        neural_lm: The LSTM language model (.tflite), used only together with lm; None: there is
            none.
        lexicon: Words and their phones (or characters), packed or text; None: any word is possible.
        g2p: The G2P network (.tflite) for hot words that the lexicon lacks.
        prior: The prior of the labels that the decoder reads; None: not known.
        calibration: Maps words' confidences to probabilities; None: no calibration.
        punctuator: The network (.tflite) for readable text: see speechlstm.readable.
        fast: The settings for `made_fast`; None: the same weights in a narrower search.
        phrases: The only phrases that are possible, in place of a language model; (): any text.
    """

    config: DecodeConfig = field(default_factory=DecodeConfig)
    lm: Path | None = None
    neural_lm: Path | None = None
    neural_lm_config: NeuralLMConfig = field(default_factory=NeuralLMConfig)
    lexicon: Path | None = None
    g2p: Path | None = None
    prior: Prior | None = None
    calibration: Calibration | None = None
    punctuator: Path | None = None
    fast: FastDecoding | None = None
    phrases: tuple[Phrase, ...] = ()

    @property
    def is_search(self) -> bool:
        """Whether decoding is a beam search by default: there is something to weigh words by."""
        return bool(self.lm or self.lexicon or self.config.hot_words or self.phrases)

    @property
    def files(self) -> list[Path]:
        """The files of the decoder."""
        paths = (self.lm, self.neural_lm, self.lexicon, self.g2p, self.punctuator)
        return [path for path in paths if path]

    def made_fast(self) -> "DecoderSpec":
        """A decoder without the LSTM, with the settings in `fast` or a narrower search."""
        fast = self.fast or FastDecoding(narrowed(self.config))
        return replace(self, config=fast.config, neural_lm=None, calibration=fast.calibration)

    def changed(
        self,
        config: DecodeConfig,
        lm: Path | None,
        neural_lm: Path | None,
        neural_lm_config: NeuralLMConfig,
    ) -> "DecoderSpec":
        """The spec with other settings and language models.

        The calibration is kept only if confidences mean the same as when it was fitted: any other
        language model, weight or beam drops it. The number of hypotheses and hot words do not.
        (With 100 hot words, half of them not spoken, the calibration error on 100 utterances of
        LibriSpeech and Common Voice was .024, uncalibrated .108; without hot words it was .023 and
        .105.)
        """
        other = replace(
            self, config=config, lm=lm, neural_lm=neural_lm, neural_lm_config=neural_lm_config
        )
        is_same = other._what_confidences_depend_on() == self._what_confidences_depend_on()
        return other if is_same else replace(other, calibration=None)

    def _what_confidences_depend_on(self) -> tuple[object, ...]:
        unchanged = DecodeConfig()
        config = replace(
            self.config,
            num_hypotheses=unchanged.num_hypotheses,
            hot_words=unchanged.hot_words,
            hot_word_weight=unchanged.hot_word_weight,
        )
        lm, neural_lm = (path and path.absolute() for path in (self.lm, self.neural_lm))
        uses_neural_lm = bool(lm and neural_lm and self.neural_lm_config.weight)
        return config, lm, uses_neural_lm and (neural_lm, self.neural_lm_config)


def narrowed(config: DecodeConfig) -> DecodeConfig:
    """The same settings with the beam of a fast search; one that is narrower stays."""
    return replace(
        config,
        beam_width=min(config.beam_width, _FAST_BEAM_WIDTH),
        max_score_gap=min(config.max_score_gap, _FAST_SCORE_GAP),
    )


def with_arguments(
    given: DecoderSpec, changes: Mapping[str, Any], settings: Mapping[str, Any]
) -> DecoderSpec:
    """A bundle's decoder, changed by the arguments of `Recognizer.load`.

    Args:
        given: The decoder of the bundle.
        changes: The arguments fast, decoding, lm, neural_lm, neural_lm_weight, neural_lm_mode and
            phrases, as far as they were given.
        settings: Single settings of `DecodeConfig`; hot words are normalised.

    Raises:
        ConfigError: A setting is unknown or out of range, an LSTM has no n-gram model, or an LSTM
            is given for a fast decoder; a phrase is not valid, or there is a language model or a
            hot word besides phrases.
        TypeError: decoding is not a DecodeConfig.
    """
    if "phrases" in changes:
        return _with_phrases(given, changes, settings)
    if changes.get("fast"):
        if named := [key for key in changes if key.startswith("neural_lm") and changes[key]]:
            raise ConfigError(f"fast decoding does not use {named[0]}; leave out one or the other")
        given = given.made_fast()
    decoding = changes.get("decoding", given.config)
    if not isinstance(decoding, DecodeConfig):
        raise TypeError(f"decoding must be a DecodeConfig, not {type(decoding).__name__}")
    config = DecodeConfig.from_dict(decoding.to_dict() | dict(settings))
    hot_words = (replace(word, phrase=normalize(word.phrase)) for word in config.hot_words)
    lm, neural_lm = (
        Path(file) if file else None
        for file in (changes.get("lm", given.lm), changes.get("neural_lm", given.neural_lm))
    )
    if changes.get("neural_lm") and not lm:
        raise ConfigError(f"{neural_lm}: needs an n-gram model, and there is none")
    keys = {"weight": "neural_lm_weight", "mode": "neural_lm_mode"}
    neural_settings = {key: changes[name] for key, name in keys.items() if name in changes}
    return given.changed(
        config=replace(config, hot_words=tuple(hot_words)),
        lm=lm,
        neural_lm=neural_lm,
        neural_lm_config=NeuralLMConfig.from_dict(
            given.neural_lm_config.to_dict() | neural_settings
        ),
    )


def _with_phrases(
    given: DecoderSpec, changes: Mapping[str, Any], settings: Mapping[str, Any]
) -> DecoderSpec:
    others = ["hot_words"] if settings.get("hot_words") else []
    others += [
        key for key in changes if key not in ("phrases", "decoding", "fast") and changes[key]
    ]
    if others:
        raise ConfigError(f"phrases exclude {', '.join(others)}; leave out one or the other")
    phrases = read_phrases(changes["phrases"])
    rest = {key: value for key, value in changes.items() if key in ("decoding", "fast")}
    alone = replace(with_arguments(given, rest, settings), phrases=phrases)
    return replace(alone, lm=None, neural_lm=None, calibration=None)
