"""What a bundle holds: the description of an acoustic model, that of a decoder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.text.alphabet import Alphabet

MODEL = "model.tflite"


@dataclass(frozen=True)
class AcousticSpec:
    """What an acoustic model reads and what its output stands for.

    Attributes:
        features: Sample rate and frames.
        alphabet: The labels of its output.
        network: The network.
        phones: The labels of its second output; None: it has none.
        training: How it was made; plain JSON values, for people.
    """

    features: FeatureConfig
    alphabet: Alphabet
    network: NetworkConfig
    phones: Alphabet | None = None
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def frame_seconds(self) -> float:
        """Seconds from one output frame to the next."""
        return self.features.hop_ms * self.network.frame_stack / 1000

    @property
    def lexicon_alphabet(self) -> Alphabet:
        """What a lexicon's words are made of: phones, if the model emits them."""
        return self.phones or self.alphabet


@dataclass(frozen=True)
class Bundle:
    """An acoustic model and a decoder that have been read and found intact.

    Attributes:
        path: The folder, or the .tflite file.
        acoustic: The acoustic model.
        decoder: How its output becomes text.
    """

    path: Path
    acoustic: AcousticSpec
    decoder: DecoderSpec = field(default_factory=DecoderSpec)

    @property
    def model_path(self) -> Path:
        """The .tflite file: float32 [1, num_samples] in, [1, num_frames, width] out.

        The columns are the labels of the alphabet, then those of the phones.
        """
        return self.path / MODEL if self.path.is_dir() else self.path
