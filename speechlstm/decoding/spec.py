"""What decoder a bundle asks for: its files and settings."""

from dataclasses import dataclass, field
from pathlib import Path

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.prior import Prior


@dataclass(frozen=True)
class DecoderSpec:
    """The files and settings of a decoder; `speechlstm.decoding.assemble` makes one of them.

    Attributes:
        config: Settings of the search.
        lm: The n-gram language model, packed or ARPA; None: there is none.
        neural_lm: An LSTM language model (.tflite), which counts only beside lm.
        neural_lm_config: How that takes part.
        lexicon: The words and their phones (or characters), packed or text; None: any word.
        g2p: The network (.tflite) that gives the phones of hot words that the lexicon lacks.
        prior: Of the labels that the decoder reads; None: it is not known.
        calibration: Makes probabilities of words' confidences; None: they stay raw.
    """

    config: DecodeConfig = field(default_factory=DecodeConfig)
    lm: Path | None = None
    neural_lm: Path | None = None
    neural_lm_config: NeuralLMConfig = field(default_factory=NeuralLMConfig)
    lexicon: Path | None = None
    g2p: Path | None = None
    prior: Prior | None = None
    calibration: Calibration | None = None

    @property
    def is_search(self) -> bool:
        """Whether it is a beam search by default: something tells words from one another."""
        return bool(self.lm or self.lexicon or self.config.hot_words)
