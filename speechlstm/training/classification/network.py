"""The network of a classifier: encoder -> mean and standard deviation over time -> logits."""

from typing import Any

import keras
from keras import ops

from speechlstm.config import FeatureConfig, NetworkConfig, Precision
from speechlstm.training.acoustic.encoder import Encoder, weighted_mean
from speechlstm.training.layers.ctc import consistency_losses

_EPSILON = 1e-5  # added to variances: the root has no gradient at 0


class ClassifierNetwork(Encoder):
    """A stacked (bidirectional) recurrent network that gives an utterance one of several classes.

    Its inputs are those of `AcousticNetwork`. Its output is (logits (batch, num_classes),
    embeddings (batch, 2 * width)): an embedding is the mean and the standard deviation of the
    outputs of the last layer over the true frames of an utterance (statistics pooling, Snyder et
    al., "X-vectors: robust DNN embeddings for speaker recognition", ICASSP 2018). Padding never
    changes them.

    Args:
        config: The network above the features; its dropout is also that of the embedding.
        products: Precision of the large matrix products of the recurrent layers in training.
        consistency: As for `AcousticNetwork`.

    >>> config = NetworkConfig(num_layers=1, num_units=8)
    >>> network = ClassifierNetwork(FeatureConfig(), config, num_classes=3)
    >>> num_samples = ops.array([16000], "int32")
    >>> logits, embeddings = network({"samples": ops.zeros((1, 16000)), "num_samples": num_samples})
    >>> tuple(logits.shape), tuple(embeddings.shape)
    ((1, 3), (1, 32))
    """

    def __init__(
        self,
        features: FeatureConfig,
        config: NetworkConfig,
        num_classes: int,
        products: Precision = "float32",
        consistency: float = 0.0,
    ) -> None:
        super().__init__("classifier", features, config, products)
        self.consistency, self.num_classes = consistency, num_classes
        self._build_layers()
        self.output_layer = keras.layers.Dense(num_classes)
        self.output_layer.build((None, 2 * self.width))

    def call(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Return the logits and the embeddings; see the class."""
        embeddings = pooled(*self.encode(inputs, training))
        return self.output_layer(self.dropout(embeddings, training=training)), embeddings

    def utterance_losses(self, outputs: Any, targets: dict[str, Any]) -> Any:
        """The cross-entropy of each utterance, in nats."""
        classes = ops.convert_to_tensor(targets["labels"])[:, 0]
        return keras.losses.sparse_categorical_crossentropy(classes, outputs[0], from_logits=True)

    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool = True) -> Any:
        """The mean cross-entropy of a batch; see AcousticNetwork.batch_loss.

        Args:
            targets: ``labels`` (batch, max_labels) int32, whose first column are the classes, and
                ``weights`` (batch,) float32.
        """
        loss = weighted_mean(self.utterance_losses(outputs, targets), targets["weights"])
        if self.consistency:
            frames = outputs[0][:, None]  # one for each utterance
            differences = consistency_losses(frames, ops.ones(ops.shape(frames)[0], "int32"))
            loss = loss + self.consistency * weighted_mean(differences, targets["weights"])
        return loss


def pooled(x: Any, num_steps: Any) -> Any:
    """The mean and the standard deviation of sequences over their true steps.

    Args:
        x: (batch, max_steps, width).
        num_steps: (batch,) int32, number of true steps of each sequence, at least 1.

    Returns:
        (batch, 2 * width): the means, then the standard deviations.

    >>> values = pooled(ops.array([[[1.0], [3.0], [9.0]]]), ops.array([2], "int32"))
    >>> ops.convert_to_numpy(values).round(3).tolist()
    [[2.0, 1.0]]
    """
    true = (
        ops.arange(ops.shape(x)[1], dtype="int32")[None] < ops.convert_to_tensor(num_steps)[:, None]
    )
    weights = ops.cast(true, x.dtype) / ops.cast(num_steps, x.dtype)[:, None]
    weights = weights[..., None]
    means = ops.sum(x * weights, axis=1)
    variances = ops.sum(ops.square(x - means[:, None]) * weights, axis=1)
    return ops.concatenate([means, ops.sqrt(variances + _EPSILON)], axis=-1)
