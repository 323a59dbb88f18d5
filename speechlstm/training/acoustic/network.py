"""The acoustic model: waveform -> MFCC -> stacked frames -> recurrent layers -> logits."""

from typing import Any

import keras
from keras import ops

from speechlstm.config import FeatureConfig, NetworkConfig, Precision
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.layers.ctc import consistency_losses, ctc_losses
from speechlstm.training.layers.mfcc import MFCC
from speechlstm.training.layers.recurrent import RecurrentLayer


class AcousticModel(Network):
    """A stacked (bidirectional) recurrent network under CTC.

    Its input is a batch as `training.dataset` makes it: ``samples`` (batch, padded_samples) float32
    and ``num_samples`` (batch,) int32, in training also the SpecAugment masks. Its output is
    (logits (batch, max_steps, num_labels + num_phones), num_steps (batch,) int32). Padding never
    changes it.

    A second output layer for phones makes the recurrent layers hear what spelling hides, and lets
    a lexicon turn phones into words; its logits follow those of the characters.

    Args:
        features: How the waveform becomes features.
        config: The network above them.
        num_labels: Symbols plus the blank.
        num_phones: Phones plus their blank; 0: no such output.
        products: Precision of the recurrent layers' large products in training.
        consistency: Weight of `consistency_losses` in the loss; other than 0, rows 2k and 2k + 1 of
            a training batch are two views of one utterance.
    """

    def __init__(
        self,
        features: FeatureConfig,
        config: NetworkConfig,
        num_labels: int,
        num_phones: int = 0,
        products: Precision = "float32",
        consistency: float = 0.0,
    ) -> None:
        super().__init__(name="acoustic_model")
        self.consistency = consistency
        self.features, self.config = features, config
        self.num_labels, self.num_phones = num_labels, num_phones
        self.mfcc = MFCC(features)
        self.recurrent = [
            RecurrentLayer(
                config.num_units,
                cell=config.cell,
                bidirectional=config.bidirectional,
                recurrent_dropout=config.recurrent_dropout,
                products=products,
            )
            for _ in range(config.num_layers)
        ]
        self.norms = [
            keras.layers.LayerNormalization() for _ in range(config.num_layers * config.layer_norm)
        ]
        self.dropout = keras.layers.Dropout(config.dropout)
        self.output_layers = [keras.layers.Dense(n) for n in (num_labels, num_phones) if n]
        self._build_layers()

    def _build_layers(self) -> None:
        width = build_stack(self.recurrent, self.features.num_features * self.config.frame_stack)
        for layer in (*self.norms, *self.output_layers):
            layer.build((None, None, width))
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Logits and their true lengths; see the class."""
        masks = None
        if training and "time_masks" in inputs:
            masks = (inputs["time_masks"], inputs["frequency_masks"])
        frames, num_frames = self.mfcc(inputs["samples"], inputs["num_samples"], masks=masks)
        x, num_steps = stack_frames(frames, num_frames, self.config.frame_stack)
        for index, layer in enumerate(self.recurrent):
            x = self.dropout(x, training=training) if index else x
            x = layer(x, num_steps, training=training)
            if self.norms:
                x = self.norms[index](x)
        x = self.dropout(x, training=training)
        return ops.concatenate([layer(x) for layer in self.output_layers], axis=-1), num_steps

    def log_probs(self, logits: Any) -> Any:
        """Natural log-probabilities of logits: each output layer's sum to 1 for themselves."""
        characters, phones = logits[..., : self.num_labels], logits[..., self.num_labels :]
        heads = [characters, phones] if self.num_phones else [characters]
        return ops.concatenate([ops.log_softmax(head) for head in heads], axis=-1)

    def freeze(self, num_layers: int) -> None:
        """Train neither the first recurrent layers nor their normalisation."""
        for layer in (*self.recurrent[:num_layers], *self.norms[:num_layers]):
            layer.trainable = False

    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool = True) -> Any:
        """The mean CTC loss of an utterance's characters, plus that of its phones.

        `consistency` times the difference between the two views of an utterance is added.
        Utterances of weight 0 do not count.

        Args:
            outputs: What the network returned.
            targets: ``labels`` (batch, max_labels) int32, ``num_labels`` (batch,) int32 and
                ``weights`` (batch,) float32; with an output for phones also ``phones``,
                ``num_phones`` and ``phone_weights``.
            training: Unused.
        """
        logits, num_steps = outputs
        characters, phones = logits[..., : self.num_labels], logits[..., self.num_labels :]
        losses = ctc_losses(characters, num_steps, targets["labels"], targets["num_labels"])
        loss = _mean(losses, targets["weights"])
        if self.num_phones:
            losses = ctc_losses(phones, num_steps, targets["phones"], targets["num_phones"])
            loss = loss + _mean(losses, targets["phone_weights"])
        if self.consistency:
            for head in (characters, phones) if self.num_phones else (characters,):
                differences = consistency_losses(head, num_steps)
                loss = loss + self.consistency * _mean(differences, targets["weights"])
        return loss


def _mean(losses: Any, weights: Any) -> Any:
    weights = ops.convert_to_tensor(weights)
    return ops.sum(losses * weights) / ops.maximum(ops.sum(weights), 1.0)


def stack_frames(frames: Any, num_frames: Any, size: int) -> tuple[Any, Any]:
    """Join each `size` frames into one, the last one filled up with zeros.

    Args:
        frames: (batch, max_frames, width), 0 beyond an utterance's own frames.
        num_frames: (batch,) int32.
        size: How many frames become one.

    Returns:
        (batch, ceil(max_frames / size), size * width), and the true lengths (batch,) int32.
    """
    batch, max_frames, width = ops.shape(frames)[0], ops.shape(frames)[1], frames.shape[2]
    num_steps = -(-max_frames // size)
    padded = ops.pad(frames, ((0, 0), (0, num_steps * size - max_frames), (0, 0)))
    return ops.reshape(padded, (batch, num_steps, size * width)), -(-num_frames // size)
