"""The acoustic model: the encoder, and output layers for characters and phones, under CTC."""

from typing import Any

import keras
from keras import ops

from speechlstm.config import FeatureConfig, NetworkConfig, Precision
from speechlstm.training.acoustic.encoder import Encoder, weighted_mean
from speechlstm.training.layers.ctc import consistency_losses, ctc_losses


class AcousticNetwork(Encoder):
    """A stacked (bidirectional) recurrent network, trained with CTC.

    Its inputs are those of a batch of `SpeechDataset`: ``samples`` (batch, padded_samples) float32
    and ``num_samples`` (batch,) int32, in training also the SpecAugment masks and, unless the
    dataset mixes the waveforms, room, noise and gain. Its output is
    (logits (batch, max_steps, num_labels + num_phones), num_steps (batch,) int32). Padding never
    changes it.

    A second output layer for phones, whose logits follow those of the characters, trains the
    recurrent layers on pronunciations, which spelling hides, and allows decoding by a lexicon.

    Args:
        num_labels: Number of characters plus one for the blank.
        num_phones: Number of phones plus one for their blank; 0: no output for phones.
        products: Precision of the large matrix products of the recurrent layers in training.
        consistency: Weight of `consistency_losses` in the loss; if it is not 0, rows 2k and 2k + 1
            of a training batch are two views of an utterance.

    >>> model = AcousticNetwork(FeatureConfig(), NetworkConfig(num_layers=1, num_units=8), 29)
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
        super().__init__("acoustic_model", features, config, products)
        self.consistency = consistency
        self.num_labels, self.num_phones = num_labels, num_phones
        self.output_layers = [keras.layers.Dense(n) for n in (num_labels, num_phones) if n]
        self._build_layers(*self.output_layers)

    def call(self, inputs: dict[str, Any], training: bool = False) -> tuple[Any, Any]:
        """Return the logits and the number of output frames of each utterance; see the class."""
        x, num_steps = self.encode(inputs, training)
        return self._logits(x, training), num_steps

    def from_features(self, frames: Any, num_frames: Any) -> tuple[Any, Any]:
        """As call, of features (batch, max_frames, num_features) and their number (batch,)."""
        x, num_steps = self.encode_features(frames, num_frames, training=False)
        return self._logits(x, training=False), num_steps

    def _logits(self, x: Any, training: bool) -> Any:
        x = self.dropout(x, training=training)
        return ops.concatenate([layer(x) for layer in self.output_layers], axis=-1)

    def log_probs(self, logits: Any) -> Any:
        """Natural log-probabilities of logits, normalised for each output layer separately."""
        characters, phones = logits[..., : self.num_labels], logits[..., self.num_labels :]
        heads = [characters, phones] if self.num_phones else [characters]
        return ops.concatenate([ops.log_softmax(head) for head in heads], axis=-1)

    def utterance_losses(self, outputs: Any, targets: dict[str, Any]) -> Any:
        """The CTC loss of the characters of each utterance."""
        logits, num_steps = outputs
        num_steps = targets.get("num_steps", num_steps)
        characters = logits[..., : self.num_labels]
        return ctc_losses(characters, num_steps, targets["labels"], targets["num_labels"])

    def batch_loss(self, outputs: Any, targets: dict[str, Any], training: bool = True) -> Any:
        """The mean CTC loss of an utterance's characters, plus that of its phones.

        `consistency` times the difference between the two views of an utterance is added.
        Utterances of weight 0 do not count.

        Args:
            targets: ``labels`` (batch, max_labels) int32, ``num_labels`` (batch,) int32 and
                ``weights`` (batch,) float32; with an output for phones also ``phones``,
                ``num_phones`` and ``phone_weights``. If there is ``num_steps`` (batch,), that of
                the outputs as the host has it, no backend waits for a GPU to tell it.
        """
        logits, num_steps = outputs
        num_steps = targets.get("num_steps", num_steps)
        characters, phones = logits[..., : self.num_labels], logits[..., self.num_labels :]
        loss = weighted_mean(self.utterance_losses(outputs, targets), targets["weights"])
        if self.num_phones:
            losses = ctc_losses(phones, num_steps, targets["phones"], targets["num_phones"])
            loss = loss + weighted_mean(losses, targets["phone_weights"])
        if self.consistency:
            for head in (characters, phones) if self.num_phones else (characters,):
                differences = consistency_losses(head, num_steps)
                loss = loss + self.consistency * weighted_mean(differences, targets["weights"])
        return loss
