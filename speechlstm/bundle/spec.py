"""The content of a bundle: an acoustic model and a decoder, or a classifier."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from speechlstm.config import FeatureConfig, LabelField, NetworkConfig
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
class ClassifierSpec:
    """The description of a classifier: its input and the meaning of its output.

    Attributes:
        features: Sample rate and frames of the input.
        classes: The names of the classes, in the order of the output.
        label: The field of a manifest that the classes are from.
        training: How the network was trained; plain JSON values, for people to read.
    """

    features: FeatureConfig
    classes: tuple[str, ...]
    label: LabelField
    network: NetworkConfig
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def embedding_size(self) -> int:
        """The number of values of an embedding: mean and standard deviation of each output."""
        return 2 * self.network.num_units * (1 + self.network.bidirectional)


@dataclass(frozen=True)
class ClassifierBundle:
    """A classifier, read from disk and verified.

    Attributes:
        path: The folder, or the .tflite file.
    """

    path: Path
    spec: ClassifierSpec

    @property
    def model_path(self) -> Path:
        """The .tflite file: float32 (1, num_samples) in, log-probabilities and embedding out."""
        return model_file(self.path)


@dataclass(frozen=True)
class Bundle:
    """An acoustic model and a decoder, read from disk and verified.

    Attributes:
        path: The folder, or the .tflite file.
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
        return model_file(self.path)

    @property
    def streaming_path(self) -> Path | None:
        """The .tflite file that hears an utterance block by block; None: there is none."""
        path = self.path / STREAMING_MODEL
        return path if self.path.is_dir() and path.exists() else None


def model_file(bundle: Path) -> Path:
    """The .tflite file of a bundle: that with fused operators, if it has the model in two forms."""
    if not bundle.is_dir():
        return bundle
    fused, portable = bundle / MODEL, bundle / PORTABLE_MODEL
    return fused if fused.exists() or not portable.exists() else portable
