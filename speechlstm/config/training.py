"""Settings of training and of data augmentation."""

from dataclasses import dataclass
from typing import ClassVar

from speechlstm.config.base import Config, Precision


@dataclass(frozen=True)
class TrainConfig(Config):
    """How a model is trained.

    Attributes:
        num_epochs: Passes over the training manifest, at most.
        batch_seconds: Audio in a batch, padding included; what is heard twice counts twice.
        learning_rate: Of Adam, after the warm-up.
        warmup_steps: Updates over which the learning rate climbs from 0.
        decay: From where on (share of all updates) the learning rate falls linearly to 0.
        weight_decay: Decoupled, as in AdamW.
        clip_norm: Largest global norm of the gradient.
        early_stop: Epochs without a better validation WER before training stops; 0: never.
        reduce_on_plateau: Epochs without a better validation loss before the learning rate is
            halved; 0: never.
        frozen_layers: Recurrent layers, counted from the input, that keep the weights they start
            from; only for a run that starts from another model.
        checkpoint_minutes: From one checkpoint to the next within an epoch; 0: after each update.
        consistency: Weight of consistency regularisation: each utterance is heard twice, augmented
            and masked differently, and the two outputs are drawn towards each other (CR-CTC, Yao et
            al., https://arxiv.org/abs/2410.05101, who use 0.2). An epoch takes twice as long; it
            pays where the training loss falls and the validation loss does not. 0: heard once.
        seed: Of initial weights, data order and augmentation.
        precision: Of the recurrent layers' large products; the rest is float32. "bfloat16" is
            faster on processors with instructions for it (AVX512-BF16, AMX), "float16" on GPUs
            that lack bfloat16 (on a CPU it is slow); the loss is scaled so that gradients fit.
    """

    section: ClassVar[str] = "training"

    num_epochs: int = 40
    batch_seconds: float = 160.0
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    decay: float = 0.5
    weight_decay: float = 1e-4
    clip_norm: float = 5.0
    early_stop: int = 10
    reduce_on_plateau: int = 0
    frozen_layers: int = 0
    consistency: float = 0.0
    checkpoint_minutes: float = 5.0
    seed: int = 1
    precision: Precision = "float32"

    def _check(self) -> None:
        self._at_least(1, "num_epochs", "batch_seconds")
        self._at_least(0, "warmup_steps", "weight_decay", "early_stop", "reduce_on_plateau", "seed")
        self._at_least(0, "frozen_layers", "consistency", "checkpoint_minutes")
        for key in ("learning_rate", "clip_norm"):
            if getattr(self, key) <= 0:
                self._refuse(key, f"must be greater than 0, is {getattr(self, key)}")
        if not 0 <= self.decay <= 1:
            self._refuse("decay", f"must be in [0, 1], is {self.decay}")


@dataclass(frozen=True)
class AugmentConfig(Config):
    """What training does to an utterance before the network hears it, anew each epoch.

    In this order: speed, room, noise, telephone, gain; then masks over the mel spectrogram. A
    probability of 0, no mask, no noise manifest or the one speed 1.0 switches one off.

    Attributes:
        speeds: Speed perturbation: the factor is drawn from these.
        room_probability: Of a simulated room around the speaker.
        room_seconds: Its reverberation time (until the echo has fallen by 60 dB): lowest, highest.
        noise: Manifests of noise recordings (speechlstm manifest build --no-text); in a TOML file
            relative to its folder.
        noise_probability: Of noise from one of them.
        noise_snr_db: Level of the speech above the noise: lowest, highest.
        telephone_probability: Of a telephone's band, 300 to 3400 Hz, and 8-bit mu-law samples.
        gain_db: Gain is drawn from -gain_db..gain_db. It only matters where features.normalize is
            "none": any other removes it, for a gain shifts c0 of all frames alike.
        time_masks: SpecAugment: stretches of time masked, at most: one for each 0.8 s.
        time_mask_ms: SpecAugment: longest stretch.
        frequency_masks: SpecAugment: bands masked.
        frequency_mask_mels: SpecAugment: widest band.
    """

    section: ClassVar[str] = "augmentation"

    speeds: tuple[float, ...] = (0.9, 1.0, 1.1)
    room_probability: float = 0.0
    room_seconds: tuple[float, float] = (0.2, 0.8)
    noise: tuple[str, ...] = ()
    noise_probability: float = 0.5
    noise_snr_db: tuple[float, float] = (5.0, 25.0)
    telephone_probability: float = 0.0
    gain_db: float = 6.0
    time_masks: int = 2
    time_mask_ms: float = 300.0
    frequency_masks: int = 2
    frequency_mask_mels: int = 8

    def _check(self) -> None:
        self._at_least(
            0, "gain_db", "time_masks", "time_mask_ms", "frequency_masks", "frequency_mask_mels"
        )
        for key in ("room_probability", "noise_probability", "telephone_probability"):
            if not 0 <= getattr(self, key) <= 1:
                self._refuse(key, f"must be in [0, 1], is {getattr(self, key)}")
        if not self.speeds or not all(0.5 <= s <= 2 for s in self.speeds):
            self._refuse("speeds", f"needs factors in 0.5..2, is {self.speeds}")
        self._range("room_seconds", 0.05, 5)
        self._range("noise_snr_db", -40, 100)

    def _range(self, key: str, minimum: float, maximum: float) -> None:
        match getattr(self, key):
            case (low, high) if minimum <= low <= high <= maximum:
                pass
            case value:
                self._refuse(
                    key, f"needs the lowest and the highest in {minimum}..{maximum}, is {value}"
                )
