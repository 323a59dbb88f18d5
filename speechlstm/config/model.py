"""Settings of the acoustic model: its features and its network."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from speechlstm.config.base import Config


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
