"""The acoustic model: waveform -> MFCC -> stacked frames -> recurrent layers -> logits."""

from typing import Any

import keras
from keras import ops

from speechlstm.config import FeatureConfig, NetworkConfig, Precision
from speechlstm.training.acoustic.mixing import mixed_on_device
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.layers.ctc import consistency_losses, ctc_losses
from speechlstm.training.layers.mfcc import MFCC
from speechlstm.training.layers.recurrent import RecurrentLayer
from speechlstm.training.layers.row_convolution import RowConvolution


class AcousticModel(Network):
    """A stacked (bidirectional) recurrent network, trained with CTC.

    Its inputs are those of a batch of `SpeechDataset`: ``samples`` (batch, padded_samples) float32
    and ``num_samples`` (batch,) int32, in training also the SpecAugment masks and, unless the
    dataset mixes the waveforms, room, noise and gain. Its output is
    (logits (batch, max_steps, num_labels + num_phones), num_steps (batch,) int32). Padding never
    changes it.

    A second output layer for phones, whose logits follow those of the characters, trains the
    recurrent layers on pronunciations, which spelling hides, and allows decoding by a lexicon.

    Args:
        features: The features of the waveform.
        config: The network above the features.
        num_labels: Number of characters plus one for the blank.
        num_phones: Number of phones plus one for their blank; 0: no output for phones.
        products: Precision of the large matrix products of the recurrent layers in training.
        consistency: Weight of `consistency_losses` in the loss; if it is not 0, rows 2k and 2k + 1
            of a training batch are two views of an utterance.

    >>> model = AcousticModel(FeatureConfig(), NetworkConfig(num_layers=1, num_units=8), 29)
    >>> num_samples = ops.array([16000], "int32")
    >>> logits, num_steps = model({"samples": ops.zeros((1, 16000)), "num_samples": num_samples})
    >>> tuple(logits.shape), int(num_steps[0])
    ((1, 34, 29), 34)
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
        self.ahead = RowConvolution(config.lookahead) if config.lookahead else None
        self.dropout = keras.layers.Dropout(config.dropout)
        self.output_layers = [keras.layers.Dense(n) for n in (num_labels, num_phones) if n]
        self._build_layers()

    def _build_layers(self) -> None:
        width = build_stack(self.recurrent, self.features.num_features * self.config.frame_stack)
        for layer in (*self.norms, *([self.ahead] if self.ahead else []), *self.output_layers):
            layer.build((None, None, width))
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Return the logits and the number of output frames of each utterance; see the class."""
        masks = None
        if training and "time_masks" in inputs:
            masks = (inputs["time_masks"], inputs["frequency_masks"])
        samples = mixed_on_device(inputs) if "gain_db" in inputs else inputs["samples"]
        frames, num_frames = self.mfcc(samples, inputs["num_samples"], masks=masks)
        return self.from_features(frames, num_frames, training)

    def from_features(
        self, frames: Any, num_frames: Any, training: bool = False
    ) -> tuple[Any, Any]:
        """As call, of features (batch, max_frames, num_features) and their number (batch,)."""
        x, num_steps = stack_frames(frames, num_frames, self.config.frame_stack)
        for index, layer in enumerate(self.recurrent):
            x = self.dropout(x, training=training) if index else x
            x = layer(x, num_steps, training=training)
            if self.norms:
                x = self.norms[index](x)
        x = self.dropout(self.with_later_frames(x, num_steps), training=training)
        return ops.concatenate([layer(x) for layer in self.output_layers], axis=-1), num_steps

    def with_later_frames(self, x: Any, num_steps: Any) -> Any:
        """The outputs of the recurrent layers, each with those of the next frames, if it sees them.

        Args:
            x: (batch, max_steps, width).
            num_steps: (batch,) int32, number of output frames of each utterance; the frames after
                its end count as 0.
        """
        if not self.ahead:
            return x
        true = ops.arange(ops.shape(x)[1], dtype="int32")[None] < num_steps[:, None]
        x = ops.where(true[..., None], x, 0.0)
        return self.ahead(ops.pad(x, ((0, 0), (0, self.ahead.lookahead), (0, 0))))

    def log_probs(self, logits: Any) -> Any:
        """Natural log-probabilities of logits, normalised for each output layer separately."""
        characters, phones = logits[..., : self.num_labels], logits[..., self.num_labels :]
        heads = [characters, phones] if self.num_phones else [characters]
        return ops.concatenate([ops.log_softmax(head) for head in heads], axis=-1)

    def freeze(self, num_layers: int) -> None:
        """Exclude the first recurrent layers, with their normalization, from training."""
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
                ``num_phones`` and ``phone_weights``. If there is ``num_steps`` (batch,), that of
                the outputs as the host has it, no backend waits for a GPU to tell it.
            training: Unused.
        """
        logits, num_steps = outputs
        num_steps = targets.get("num_steps", num_steps)
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
    """Concatenate every `size` frames into one; the last one is padded with zeros.

    Args:
        frames: (batch, max_frames, width), 0 after the last frame of each utterance.
        num_frames: (batch,) int32, number of frames of each utterance.
        size: Number of frames to concatenate.

    Returns:
        The stacked frames (batch, ceil(max_frames / size), size * width), and their number for each
        utterance (batch,) int32.

    >>> stacked, num_steps = stack_frames(ops.ones((1, 5, 2)), ops.array([5]), 3)
    >>> tuple(stacked.shape), int(num_steps[0])
    ((1, 2, 6), 2)
    """
    batch, max_frames, width = ops.shape(frames)[0], ops.shape(frames)[1], frames.shape[2]
    num_steps = -(-max_frames // size)
    padded = ops.pad(frames, ((0, 0), (0, num_steps * size - max_frames), (0, 0)))
    return ops.reshape(padded, (batch, num_steps, size * width)), -(-num_frames // size)
