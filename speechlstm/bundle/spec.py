"""The content of a bundle: the descriptions of an acoustic model and of a decoder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechlstm.config import FeatureConfig, NetworkConfig
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.text.alphabet import Alphabet

MODEL = "model.tflite"
PORTABLE_MODEL = "model.portable.tflite"
STREAMING_MODEL = "model.streaming.tflite"


@dataclass(frozen=True)
class AcousticSpec:
    """The description of an acoustic model: its input and the meaning of its output.

    Attributes:
        features: Sample rate and frames of the input.
        alphabet: The labels of the output.
        network: The network.
        phones: The labels of a second output; None: there is no second output.
        training: How the model was trained; plain JSON values, for people to read.
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
        """The symbols that lexicons spell words in: phones, if the model has an output for them."""
        return self.phones or self.alphabet


@dataclass(frozen=True)
class Bundle:
    """An acoustic model and a decoder, read from disk and verified.

    Attributes:
        path: The folder, or the .tflite file.
        acoustic: The description of the acoustic model.
        decoder: The files and settings of the decoder.
    """

    path: Path
    acoustic: AcousticSpec
    decoder: DecoderSpec = field(default_factory=DecoderSpec)

    @property
    def model_path(self) -> Path:
        """The .tflite file: float32 (1, num_samples) in, float32 (1, num_frames, width) out.

        The columns of the output are the labels of the alphabet, followed by those of the phones.
        A folder may hold the model in two forms; this is the one with fused operators, which takes
        less memory, if there is one.
        """
        if not self.path.is_dir():
            return self.path
        fused, portable = self.path / MODEL, self.path / PORTABLE_MODEL
        return fused if fused.exists() or not portable.exists() else portable

    @property
    def streaming_path(self) -> Path | None:
        """The .tflite file that hears an utterance block by block; None: there is none."""
        path = self.path / STREAMING_MODEL
        return path if self.path.is_dir() and path.exists() else None
