"""Settings of training and of data augmentation."""

from dataclasses import dataclass
from typing import ClassVar

from speechlstm.config.base import Config, Precision

MAX_WEIGHT = 1000  # of a training manifest


@dataclass(frozen=True)
class Schedule(Config):
    """How long and how fast a network is trained.

    Attributes:
        num_epochs: Largest number of passes over the training data.
        learning_rate: Learning rate of Adam between warm-up and decay.
        warmup_steps: Updates over which the learning rate rises linearly from 0; if they are more
            than a tenth of the run, it has risen after this tenth.
        decay: Fraction of all updates, 0..1, after which the learning rate falls linearly to 0.
        clip_norm: Largest global norm of the gradient.
        checkpoint_minutes: Minutes between two checkpoints of an epoch; 0: one after each update.
        seed: Seed of initial weights, data order and everything else that is random.
    """

    section: ClassVar[str] = "training"

    num_epochs: int = 1
    learning_rate: float = 1e-3
    warmup_steps: int = 100
    decay: float = 0.5
    clip_norm: float = 5.0
    checkpoint_minutes: float = 5.0
    seed: int = 1

    def _check(self) -> None:
        self._at_least(1, "num_epochs")
        self._at_least(0, "warmup_steps", "checkpoint_minutes", "seed")
        self._above_zero("learning_rate", "clip_norm")
        self._fraction("decay")


@dataclass(frozen=True)
class TrainConfig(Schedule):
    """How an acoustic model is trained; see Schedule for the settings that every network has.

    Attributes:
        batch_seconds: Seconds of audio in a batch, padding included; with `consistency`, both views
            of an utterance count.
        weight_decay: Decoupled weight decay, as in AdamW.
        early_stop: Epochs without a better validation WER before training stops; 0: never.
        reduce_on_plateau: Epochs without a better validation loss before the learning rate is
            halved; 0: never.
        frozen_layers: Recurrent layers, counted from the input, that keep the weights they start
            from; only for a run that starts from another model.
        consistency: Weight of consistency regularization: each utterance is in the batch twice,
            with different augmentation and masks, and each output is trained towards the other
            (CR-CTC, Yao et al., https://arxiv.org/abs/2410.05101, who use 0.2). An epoch takes
            twice as long; this helps if the training loss falls and the validation loss does not.
            0: each utterance is in the batch once.
        precision: Precision of the large matrix products of the recurrent layers; everything else
            is float32. "bfloat16" is faster on processors with instructions for it (AVX512-BF16,
            AMX), "float16" on GPUs without bfloat16 (it is slow on a CPU); the loss is scaled so
            that small gradients do not become 0.
        cache: Whether decoded recordings are kept on the disk, 115 MB an hour at 16 kHz; otherwise
            they are decoded in each epoch, and must be as long as their manifests say.
        weights: How often an epoch has the utterances of each training manifest, in their order: 2:
            twice, 0.5: half of them, drawn anew for each epoch; (): once.
    """

    section: ClassVar[str] = "training"

    num_epochs: int = 40
    batch_seconds: float = 160.0
    weight_decay: float = 1e-4
    early_stop: int = 10
    reduce_on_plateau: int = 0
    frozen_layers: int = 0
    consistency: float = 0.0
    precision: Precision = "float32"
    cache: bool = True
    weights: tuple[float, ...] = ()

    def _check(self) -> None:
        super()._check()
        if not all(0 < weight <= MAX_WEIGHT for weight in self.weights):
            self._refuse("weights", f"must be above 0, and {MAX_WEIGHT} at most, is {self.weights}")
        self._at_least(1, "batch_seconds")
        self._at_least(0, "weight_decay", "early_stop", "reduce_on_plateau")
        self._at_least(0, "frozen_layers", "consistency")


@dataclass(frozen=True)
class AugmentConfig(Config):
    """Data augmentation in training, drawn again for each utterance and epoch.

    The order is: speed, room, noise, telephone, gain, then masks over the mel spectrogram. To
    switch one off, set its probability or number of masks to 0, list no noise manifest, or 1.0 as
    the only speed.

    Attributes:
        speeds: Speed perturbation: the factors to draw from, each in 0.5..2.
        room_probability: Probability of a simulated room around the speaker.
        room_seconds: Lowest and highest reverberation time of the room, the time in which an echo
            decays by 60 dB.
        noise: Manifests of noise recordings (speechlstm manifest build --no-text); in a TOML file
            relative to its folder.
        noise_probability: Probability that noise from one of them is added.
        noise_snr_db: Lowest and highest level of the speech above the noise, in dB.
        telephone_probability: Probability of a telephone line: 300 to 3400 Hz, 8-bit mu-law.
        gain_db: The gain is drawn from -gain_db..gain_db. It matters only if features.normalize is
            "none": the other values remove it, since a gain shifts c0 of all frames alike.
        time_masks: SpecAugment: largest number of time masks; at most one for each 0.8 s.
        time_mask_ms: SpecAugment: length of the longest time mask.
        frequency_masks: SpecAugment: number of frequency masks.
        frequency_mask_mels: SpecAugment: width of the widest frequency mask, in mel filters.
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
        self._fraction("room_probability", "noise_probability", "telephone_probability")
        if not self.speeds or not all(0.5 <= s <= 2 for s in self.speeds):
            self._refuse("speeds", f"must be factors from 0.5 to 2, is {self.speeds}")
        self._range("room_seconds", 0.05, 5)
        self._range("noise_snr_db", -40, 100)

    def _range(self, key: str, minimum: float, maximum: float) -> None:
        match getattr(self, key):
            case (low, high) if minimum <= low <= high <= maximum:
                pass
            case value:
                self._refuse(
                    key, f"must be two numbers from {minimum} to {maximum} in order, is {value}"
                )
