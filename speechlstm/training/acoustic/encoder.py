"""The encoder of every network of speech: waveform -> MFCC -> stacked frames -> BiLSTM layers."""

from abc import abstractmethod
from typing import Any

import keras
from keras import ops

from speechlstm.config import FeatureConfig, NetworkConfig, Precision
from speechlstm.training.acoustic.mixing import mixed_on_device
from speechlstm.training.engine.network import Network, build_stack
from speechlstm.training.engine.torch_processes import over_processes
from speechlstm.training.layers.mfcc import MFCC
from speechlstm.training.layers.recurrent import RecurrentLayer
from speechlstm.training.layers.row_convolution import RowConvolution


class Encoder(Network):
    """What networks of speech have in common: features and stacked recurrent layers.

    Args:
        products: Precision of the large matrix products of the recurrent layers in training.

    Attributes:
        width: The width of the outputs of the last layer.
    """

    def __init__(
        self,
        name: str,
        features: FeatureConfig,
        config: NetworkConfig,
        products: Precision = "float32",
    ) -> None:
        super().__init__(name=name)
        self.features, self.config = features, config
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
        self.width = config.num_units * (1 + config.bidirectional)

    def _build_layers(self, *output_layers: Any) -> None:
        """Build all layers; the last ones read what the encoder returns."""
        build_stack(self.recurrent, self.features.num_features * self.config.frame_stack)
        for layer in (*self.norms, *([self.ahead] if self.ahead else []), *output_layers):
            layer.build((None, None, self.width))
        self.built = True

    def encode(self, inputs: dict[str, Any], training: bool) -> tuple[Any, Any]:
        """The outputs of the last layer and the number of output frames of each utterance.

        Args:
            inputs: ``samples`` (batch, padded_samples) float32, ``num_samples`` (batch,) int32, in
                training also the SpecAugment masks and, unless the dataset mixes the waveforms,
                room, noise and gain.
            training: Whether masks, and dropout between the layers, are applied.

        Returns:
            (batch, max_steps, width) and (batch,) int32. Padding does not change the true frames.
        """
        masks = None
        if training and "time_masks" in inputs:
            masks = (inputs["time_masks"], inputs["frequency_masks"])
        samples = mixed_on_device(inputs) if "gain_db" in inputs else inputs["samples"]
        frames, num_frames = self.mfcc(samples, inputs["num_samples"], masks=masks)
        return self.encode_features(frames, num_frames, training)

    def encode_features(
        self, frames: Any, num_frames: Any, training: bool = False
    ) -> tuple[Any, Any]:
        """As encode, of features (batch, max_frames, num_features) and their number (batch,)."""
        x, num_steps = stack_frames(frames, num_frames, self.config.frame_stack)
        for index, layer in enumerate(self.recurrent):
            x = self.dropout(x, training=training) if index else x
            x = layer(x, num_steps, training=training)
            if self.norms:
                x = self.norms[index](x)
        return self.with_later_frames(x, num_steps), num_steps

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

    def freeze(self, num_layers: int) -> None:
        """Exclude the first recurrent layers, with their normalization, from training."""
        for layer in (*self.recurrent[:num_layers], *self.norms[:num_layers]):
            layer.trainable = False

    @abstractmethod
    def utterance_losses(self, outputs: Any, targets: dict[str, Any]) -> Any:
        """The loss of each utterance of a batch, (batch,), as validation reports it."""


def weighted_mean(losses: Any, weights: Any) -> Any:
    """The mean of losses (batch,) whose weight is 1; those whose weight is 0 do not count.

    If several processes share the batch, it is what these losses contribute to its mean.
    """
    weights = ops.convert_to_tensor(weights)
    return ops.sum(losses * weights) / ops.maximum(over_processes(ops.sum(weights)), 1.0)


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
