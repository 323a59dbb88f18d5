"""The network of a classifier: from audio to log-probabilities of classes and an embedding."""

import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import NUM_SAMPLES, SAMPLES, check_rate, network_inputs
from speechlstm.audio import Audio
from speechlstm.bundle import ClassifierBundle
from speechlstm.errors import BundleError
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.tensor import TensorSpec

LOG_PROBS, EMBEDDING = "log_probs", "embedding"  # outputs


class LiteRTClassifier:
    """The network of a classifier's bundle, run by LiteRT: without TensorFlow, as on a phone.

    Threads may share one; they take turns.

    Raises:
        BundleError: LiteRT cannot load the network, or it has other inputs or outputs.
    """

    def __init__(self, bundle: ClassifierBundle) -> None:
        self._path, self._spec = bundle.model_path, bundle.spec
        self._model = TFLiteModel(
            self._path,
            {SAMPLES: TensorSpec("float32", (1, None))},
            {
                LOG_PROBS: TensorSpec("float32", (1, len(bundle.spec.classes))),
                EMBEDDING: TensorSpec("float32", (1, bundle.spec.embedding_size)),
            },
            optional_inputs={NUM_SAMPLES: TensorSpec("int32", (1,))},
            use_xnnpack=None,  # twice as fast where there is no fused operator
        )

    @property
    def sample_rate(self) -> int:
        """The sample rate that outputs expects, in Hz."""
        return self._spec.features.sample_rate

    def outputs(self, audio: Audio) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The outputs of the network for one utterance.

        Returns:
            Natural log-probabilities (num_classes,), and the embedding (embedding_size,).

        Raises:
            BundleError: The network fails, or takes no audio of this length.
            ValueError: The audio has another sample rate.
        """
        check_rate(audio, self.sample_rate)
        found = self._model.run(**network_inputs(self._model, audio, self._error))
        return found[LOG_PROBS][0], found[EMBEDDING][0]

    def _error(self, reason: str) -> BundleError:
        return BundleError(self._path, reason)
