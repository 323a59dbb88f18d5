"""The networks that compute embeddings of voices: that of the package, or a classifier's."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speechlstm.arguments import StrPath
from speechlstm.audio import Audio
from speechlstm.bundle import find_bundle, read_classifier
from speechlstm.classification import LiteRTClassifier
from speechlstm.errors import BundleError
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import read_described
from speechlstm.tflite.tensor import TensorSpec

ASSET = Path(__file__).parents[1] / "assets" / "speakers" / "model.tflite"
_SAMPLE_RATE, _SIZE = 16000, 100
_LEAST_SECONDS = 0.3

# Mean cosine distances above which clusters are of two speakers, or may be (see clustering.py): the
# package's is that of the lowest error rate on mixtures of training speakers that a network made of
# the others tells apart; that of classifiers, on 46 speakers of Common Voice's validation list,
# which no figure is reported of.
_THRESHOLD, _CLASSIFIER_THRESHOLD = 0.6, 0.4


class Embedder(Protocol):
    """What tells voices apart: embeddings of one speaker have a high cosine.

    Attributes:
        threshold: The mean cosine distance above which clusters are of two speakers, or may be.
        variances: (embedding_size,), between speakers, of embeddings whose variance within a
            speaker is 1; None: they are not known.
    """

    threshold: float
    variances: NDArray[np.float64] | None

    @property
    def sample_rate(self) -> int:
        """The sample rate that embed expects, in Hz."""

    @property
    def least_samples(self) -> int:
        """The least number of samples that embed takes."""

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """The embedding (embedding_size,) of a window."""


class VoiceModel:
    """The network of this package: statistics of the MFCC, projected by linear discriminants.

    See scripts/recipes/speakers.py.

    Raises:
        BundleError: It is missing or damaged, or LiteRT cannot load it.
    """

    threshold = _THRESHOLD
    sample_rate = _SAMPLE_RATE
    least_samples = round(_LEAST_SECONDS * _SAMPLE_RATE)

    def __init__(self) -> None:
        if not ASSET.exists():
            raise BundleError(ASSET, "this installation has no network for speakers")
        self._model = TFLiteModel(
            ASSET,
            {"samples": TensorSpec("float32", (1, None))},
            dict.fromkeys(("embedding", "variances"), TensorSpec("float32", (1, _SIZE))),
            content=read_described(ASSET)[0],  # which verifies its checksum
        )
        silence = np.zeros((1, self.least_samples), np.float32)
        variances: NDArray[np.float32] = self._model.run(samples=silence)["variances"][0]
        self.variances: NDArray[np.float64] | None = variances.astype(np.float64)

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """See Embedder."""
        embeddings: NDArray[np.float32] = self._model.run(samples=audio.samples[None])["embedding"]
        return np.asarray(embeddings[0])


class ClassifierEmbedder:
    """A classifier of speakers: its logits, less their mean, of a voice that it may not know.

    A logit is the similarity to a speaker of its training, who serves as an anchor (Sturim et al.,
    "Speaker indexing in large audio databases using anchor models", ICASSP 2001).

    Raises:
        BundleError: The bundle is missing, damaged or no classifier, or has less than 3 classes.
    """

    threshold = _CLASSIFIER_THRESHOLD
    variances: NDArray[np.float64] | None = None

    def __init__(self, bundle: StrPath) -> None:
        found = read_classifier(find_bundle(bundle))
        if len(found.spec.classes) < 3:
            raise BundleError(found.path, "knows less than 3 speakers: train it with many")
        self._model = LiteRTClassifier(found)

    @property
    def sample_rate(self) -> int:
        """See Embedder."""
        return self._model.sample_rate

    @property
    def least_samples(self) -> int:
        """See Embedder."""
        return round(_LEAST_SECONDS * self.sample_rate)

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """See Embedder."""
        log_probs, _ = self._model.outputs(audio)
        return np.asarray(log_probs - log_probs.mean())


def load_embedder(bundle: StrPath | None) -> Embedder:
    """The network of a classifier's bundle; None: that of the package.

    Raises:
        BundleError: See VoiceModel and ClassifierEmbedder.
    """
    return VoiceModel() if bundle is None else ClassifierEmbedder(bundle)
