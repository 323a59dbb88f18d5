"""The sections of a configuration file: features, network, training, augmentation."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from speechlstm.config.base import Config, Precision
from speechlstm.errors import ConfigError
from speechlstm.storage import read_regular_file


@dataclass(frozen=True)
class FeatureConfig(Config):
    """How a waveform becomes features.

    Attributes:
        sample_rate: Samples a second.
        window_ms: Length of the Hann window.
        hop_ms: Step from frame to frame; a whole number of samples.
        num_mels: Mel filters (Slaney's scale and normalisation, as librosa's default).
        num_mfcc: Cepstral coefficients kept, c0 first.
        low_hz: Lower edge of the lowest filter.
        high_hz: Upper edge of the highest filter, at most sample_rate / 2.
        deltas: 0, 1 or 2: how many orders of time derivatives follow the coefficients.
        normalize: Per utterance and coefficient: nothing, mean to 0, or also variance to 1.
    """

    section: ClassVar[str] = "features"

    sample_rate: int = 16000
    window_ms: float = 25.0
    hop_ms: float = 10.0
    num_mels: int = 40
    num_mfcc: int = 40
    low_hz: float = 20.0
    high_hz: float = 8000.0
    deltas: Literal[0, 1, 2] = 0
    normalize: Literal["none", "mean", "mean_variance"] = "mean_variance"

    def _check(self) -> None:
        self._at_least(1000, "sample_rate")
        self._at_least(1, "window_ms", "hop_ms", "num_mels", "num_mfcc")
        if not (self.sample_rate * self.hop_ms / 1000).is_integer():
            self._refuse(
                "hop_ms",
                f"{self.hop_ms} ms is not a whole number of samples at {self.sample_rate} Hz",
            )
        if self.window_ms < self.hop_ms:
            self._refuse(
                "window_ms", f"must be at least hop_ms ({self.hop_ms}), is {self.window_ms}"
            )
        if self.num_mfcc > self.num_mels:
            self._refuse(
                "num_mfcc", f"must be at most num_mels ({self.num_mels}), is {self.num_mfcc}"
            )
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate / 2:
            self._refuse(
                "high_hz",
                f"needs 0 <= low_hz < high_hz <= sample_rate / 2, is {self.low_hz}, {self.high_hz} "
                f"at {self.sample_rate} Hz",
            )

    @property
    def window_samples(self) -> int:
        """Samples under the window."""
        return round(self.sample_rate * self.window_ms / 1000)

    @property
    def hop_samples(self) -> int:
        """Samples from frame to frame."""
        return round(self.sample_rate * self.hop_ms / 1000)

    @property
    def fft_size(self) -> int:
        """The power of two that holds a window: LiteRT's FFT knows no other sizes."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def num_features(self) -> int:
        """Coefficients and their derivatives: the width of a frame."""
        return self.num_mfcc * (1 + self.deltas)

    def num_frames(self, num_samples: int) -> int:
        """Frames of a recording: frame t is centred on sample t * hop_samples, as in librosa."""
        return 1 + num_samples // self.hop_samples


@dataclass(frozen=True)
class NetworkConfig(Config):
    """The network above the features; its input and output widths come from features and alphabet.

    Attributes:
        cell: The recurrent cell.
        bidirectional: Whether a second recurrence reads each utterance backwards.
        num_layers: Recurrent layers, one above the other.
        num_units: Units a layer and direction.
        dropout: Share of a layer's inputs dropped in training.
        recurrent_dropout: Share of the recurrent state dropped in training (slow: no fused path).
        layer_norm: Whether each layer's output is normalised over its units.
        frame_stack: Feature frames joined into one input frame; the frame rate falls by it.
    """

    section: ClassVar[str] = "model"

    cell: Literal["lstm", "gru", "rnn"] = "lstm"
    bidirectional: bool = True
    num_layers: int = 3
    num_units: int = 256
    dropout: float = 0.2
    recurrent_dropout: float = 0.0
    layer_norm: bool = True
    frame_stack: int = 3

    def _check(self) -> None:
        self._at_least(1, "num_layers", "num_units", "frame_stack")
        self._share("dropout", "recurrent_dropout")

    def num_steps(self, num_frames: int) -> int:
        """Frames the recurrent layers see: the last one may be filled up with zeros."""
        return -(-num_frames // self.frame_stack)


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


@dataclass(frozen=True)
class Settings:
    """A configuration file: the sections a run is made from."""

    features: FeatureConfig = field(default_factory=FeatureConfig)
    model: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainConfig = field(default_factory=TrainConfig)
    augmentation: AugmentConfig = field(default_factory=AugmentConfig)

    def __post_init__(self) -> None:
        if self.training.frozen_layers > self.model.num_layers:
            raise ConfigError(
                f"training.frozen_layers: must be at most model.num_layers "
                f"({self.model.num_layers}), is {self.training.frozen_layers}"
            )

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], where: str, defaults: "Settings | None" = None
    ) -> "Settings":
        """Settings from nested mappings, each error prefixed with where.

        Args:
            values: Sections of settings.
            where: Where they come from.
            defaults: What is left out is taken from these.
        """
        base = (defaults or cls()).to_dict()
        kinds = {f.name: f.default_factory for f in fields(cls)}
        for key, section in values.items():
            if key not in kinds:
                raise ConfigError(f"{where}: {key}: unknown section; known are {', '.join(kinds)}")
            if not isinstance(section, Mapping):
                raise ConfigError(f"{where}: {key}: must be a section of settings: [{key}]")
        try:
            return cls(**{k: kinds[k].from_dict(base[k] | values.get(k, {})) for k in kinds})  # type: ignore
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from None

    @classmethod
    def read(cls, path: Path, defaults: "Settings | None" = None) -> "Settings":
        """Settings from a TOML file: [features], [model], [training], [augmentation].

        Paths of noise manifests are taken from the file's folder.

        Args:
            path: The file.
            defaults: What it leaves out is taken from these.

        Raises:
            ConfigError: The file is missing or no TOML, or holds an unknown or wrong setting.
        """
        try:
            values = tomllib.loads(read_regular_file(path).decode("utf-8-sig"))
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}") from None
        except RecursionError:
            raise ConfigError(f"{path}: not a TOML file: nested too deeply") from None
        except ValueError as error:  # also of bytes that are no UTF-8, of numbers beyond reason
            raise ConfigError(f"{path}: not a TOML file: {error}") from None
        settings = cls.from_dict(values, str(path), defaults)
        noise = tuple(str(path.parent.resolve() / name) for name in settings.augmentation.noise)
        return replace(settings, augmentation=replace(settings.augmentation, noise=noise))

    def with_training(self, **values: Any) -> "Settings":
        """The same with other settings of [training]; a value of None changes nothing."""
        given = {key: value for key, value in values.items() if value is not None}
        return replace(self, training=replace(self.training, **given))

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """The settings as plain JSON values."""
        return {f.name: getattr(self, f.name).to_dict() for f in fields(self)}
