"""Training steps of the contenders of training.py: of this project, of Keras, of torch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

LAYERS, UNITS, DROPOUT = 3, 256, 0.2
STACK, WIDTH = 3, 40  # MFCC frames that are stacked, coefficients of a frame
FRAMES_PER_SECOND = 100
NUM_SYMBOLS, SYMBOLS_PER_SECOND = 29, 14
LEARNING_RATE, WEIGHT_DECAY, CLIP_NORM = 1e-3, 1e-4, 5.0
PADDING = 0.1  # fraction of the shortest utterance


@dataclass(frozen=True)
class Batch:
    """A batch of random MFCC frames and labels.

    Attributes:
        frames: (batch, max_frames, WIDTH) float32; max_frames is a multiple of STACK.
        num_frames: (batch,) int32, number of frames of each utterance.
        labels: (batch, max_labels) int32 in 1..NUM_SYMBOLS - 1.
        num_labels: (batch,) int32, number of labels of each utterance.
    """

    frames: NDArray[np.float32]
    num_frames: NDArray[np.int32]
    labels: NDArray[np.int32]
    num_labels: NDArray[np.int32]


Step = Callable[[Batch], object]
Precision = Literal["float32", "bfloat16"]


def new_batch(size: int, seconds: float) -> Batch:
    """Make a batch of `size` utterances of up to `seconds` seconds."""
    generator = np.random.default_rng(1)
    lengths = seconds * np.linspace(1 - PADDING, 1, size)
    num_frames = (lengths * FRAMES_PER_SECOND).astype(np.int32)
    num_labels = (lengths * SYMBOLS_PER_SECOND).astype(np.int32)
    max_frames = -(-num_frames.max() // STACK) * STACK
    frames = generator.normal(size=(size, max_frames, WIDTH)).astype(np.float32)
    frames[np.arange(max_frames) >= num_frames[:, None]] = 0
    labels = generator.integers(1, NUM_SYMBOLS, (size, num_labels.max()), dtype=np.int32)
    return Batch(frames, num_frames, labels, num_labels)


def project_step(precision: Precision) -> Step:
    """The network of this project, compiled as the Trainer does."""
    import keras

    from speechlstm.config import FeatureConfig, NetworkConfig
    from speechlstm.training.acoustic import encoder
    from speechlstm.training.acoustic.network import AcousticNetwork
    from speechlstm.training.engine.optimizer import GuardedAdamW

    class Frames(keras.layers.Layer):
        """Replaces the MFCC layer, since the batches hold MFCC frames instead of waveforms."""

        def __init__(self, config: FeatureConfig) -> None:
            super().__init__()
            self.built = True

        def call(self, frames: Any, num_frames: Any, masks: None) -> tuple[Any, Any]:
            return keras.ops.reshape(frames, (*keras.ops.shape(frames)[:2], WIDTH)), num_frames

    encoder.MFCC = Frames  # type: ignore[misc]
    config = NetworkConfig(num_layers=LAYERS, num_units=UNITS, dropout=DROPOUT, frame_stack=STACK)
    model = AcousticNetwork(FeatureConfig(num_mfcc=WIDTH), config, NUM_SYMBOLS, products=precision)
    model.compile(
        GuardedAdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY, global_clipnorm=CLIP_NORM),
        jit_compile=keras.backend.backend() == "jax",
    )

    def step(batch: Batch) -> object:
        weights = np.ones(len(batch.frames), np.float32)
        inputs = {"samples": batch.frames, "num_samples": batch.num_frames}
        targets = {"labels": batch.labels, "num_labels": batch.num_labels, "weights": weights}
        return model.train_on_batch(inputs, targets)

    return step


def stock_step(precision: Precision, fast_loss: bool = False) -> Step:
    """The network of Keras' layers, optionally with the loss of this project."""
    import keras

    from speechlstm.training.layers.ctc import ctc_losses

    layers = keras.layers

    class Network(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = [
                layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))
                for _ in range(LAYERS)
            ]
            self.norms = [layers.LayerNormalization() for _ in range(LAYERS)]
            self.dropout = layers.Dropout(DROPOUT)
            self.output_layer = layers.Dense(NUM_SYMBOLS)

        def call(self, batch: dict[str, Any], training: bool = False) -> Any:
            x, num_steps = batch["steps"], batch["num_steps"]
            mask = keras.ops.arange(keras.ops.shape(x)[1]) < num_steps[:, None]
            for index, (recurrent, norm) in enumerate(zip(self.recurrent, self.norms, strict=True)):
                x = self.dropout(x, training=training) if index else x
                x = norm(recurrent(x, mask=mask, training=training))
            return self.output_layer(self.dropout(x, training=training))

        def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
            num_steps, labels, num_labels = x["num_steps"], y["labels"], y["num_labels"]
            if fast_loss:
                losses = ctc_losses(y_pred, num_steps, labels, num_labels)
            else:
                losses = keras.ops.ctc_loss(labels, y_pred, num_labels, num_steps)
            return keras.ops.mean(losses)

    if precision == "bfloat16":
        keras.config.set_dtype_policy("mixed_bfloat16")
    network = Network()
    network.compile(
        keras.optimizers.AdamW(LEARNING_RATE, weight_decay=WEIGHT_DECAY, global_clipnorm=CLIP_NORM)
    )

    def step(batch: Batch) -> object:
        steps, num_steps = stacked(batch)
        return network.train_on_batch(
            {"steps": steps, "num_steps": num_steps},
            {"labels": batch.labels, "num_labels": batch.num_labels},
        )

    return step


def torch_step(precision: Precision) -> Step:
    """The network in torch without Keras."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths = [STACK * WIDTH] + [2 * UNITS] * (LAYERS - 1)
            self.recurrent = torch.nn.ModuleList(
                torch.nn.LSTM(width, UNITS, bidirectional=True, batch_first=True)
                for width in widths
            )
            self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(2 * UNITS) for _ in widths)
            self.dropout = torch.nn.Dropout(DROPOUT)
            self.output_layer = torch.nn.Linear(2 * UNITS, NUM_SYMBOLS)

        def forward(self, x: Any) -> Any:
            for index, (recurrent, norm) in enumerate(zip(self.recurrent, self.norms, strict=True)):
                x = norm(recurrent(self.dropout(x) if index else x)[0])
            return self.output_layer(self.dropout(x))

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = Network().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    def step(batch: Batch) -> object:
        steps, num_steps = stacked(batch)
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = network(torch.from_numpy(steps).to(device))
        loss = torch.nn.functional.ctc_loss(
            logits.float().log_softmax(-1).transpose(0, 1),
            torch.from_numpy(batch.labels),
            torch.from_numpy(num_steps),
            torch.from_numpy(batch.num_labels),
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
        optimizer.step()
        return loss.item()

    return step


def stacked(batch: Batch) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """The stacked frames (batch, max_steps, STACK * WIDTH) and their numbers (batch,)."""
    steps = batch.frames.reshape(len(batch.frames), -1, STACK * WIDTH)
    return steps, -(-batch.num_frames // STACK)
