"""Settings of the acoustic model: its features and its network."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from speechlstm.config.base import Config


@dataclass(frozen=True)
class FeatureConfig(Config):
    """How MFCC features are computed from a waveform.

    >>> features = FeatureConfig(sample_rate=8000, high_hz=4000)
    >>> features.hop_samples, features.num_frames(8000)
    (80, 101)

    Attributes:
        sample_rate: In Hz.
        window_ms: Length of the Hann window.
        hop_ms: Distance between frames; must be a whole number of samples.
        num_mels: The number of mel filters (Slaney's scale and normalisation, librosa's default).
        num_mfcc: The number of cepstral coefficients, beginning with c0.
        low_hz: Lower edge of the lowest filter.
        high_hz: Upper edge of the highest filter, at most sample_rate / 2.
        deltas: The number of orders of time derivatives appended to the coefficients: 0, 1 or 2.
        normalize: Normalisation of each coefficient: "none"; "mean": zero mean over an utterance;
            "mean_variance": zero mean and unit variance over an utterance; "running": by mean and
            variance of the frames up to each one, which a network that hears a stream needs.
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
    normalize: Literal["none", "mean", "mean_variance", "running"] = "mean_variance"

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
        if self.deltas and self.normalize == "running":
            self._refuse(
                "deltas",
                f'must be 0 with normalize = "running", since they depend on later '
                f"frames, is {self.deltas}",
            )
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate / 2:
            self._refuse(
                "high_hz",
                f"must satisfy 0 <= low_hz < high_hz <= sample_rate / 2; low_hz is {self.low_hz}, "
                f"high_hz {self.high_hz}, sample_rate {self.sample_rate}",
            )

    @property
    def window_samples(self) -> int:
        """Length of the window in samples."""
        return round(self.sample_rate * self.window_ms / 1000)

    @property
    def hop_samples(self) -> int:
        """Distance between frames in samples."""
        return round(self.sample_rate * self.hop_ms / 1000)

    @property
    def samples_before(self) -> int:
        """The number of samples of a window that lie before the centre of its frame."""
        return self.fft_size // 2 - (self.fft_size - self.window_samples) // 2  # as in librosa

    @property
    def fft_size(self) -> int:
        """The smallest power of two that holds a window: LiteRT's FFT takes no other sizes."""
        return 1 << (self.window_samples - 1).bit_length()

    @property
    def num_features(self) -> int:
        """Width of a frame: coefficients and their derivatives."""
        return self.num_mfcc * (1 + self.deltas)

    def num_frames(self, num_samples: int) -> int:
        """The number of frames of a recording of num_samples samples.

        Frame t is centred on sample t * hop_samples, as in librosa.
        """
        return 1 + num_samples // self.hop_samples


@dataclass(frozen=True)
class NetworkConfig(Config):
    """The recurrent network. Its input and output widths follow from features and alphabet.

    Attributes:
        cell: The recurrent cell.
        bidirectional: Whether each layer also processes the utterance backwards.
        num_layers: The number of stacked recurrent layers.
        num_units: Units of each layer in each direction.
        dropout: Share of a layer's inputs that are dropped in training.
        recurrent_dropout: Share of the recurrent state that is dropped in training. It is slow,
            because fused kernels do not support it.
        layer_norm: Whether the output of each layer is normalised over its units.
        frame_stack: The number of feature frames joined into one input frame; it divides the frame
            rate.
        lookahead: The number of later output frames that an output of a unidirectional network
            depends on, by a row convolution above the recurrent layers (Deep Speech 2, Amodei et
            al., https://arxiv.org/abs/1512.02595, section 3.7).
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
    lookahead: int = 0

    def _check(self) -> None:
        self._at_least(1, "num_layers", "num_units", "frame_stack")
        self._at_least(0, "lookahead")
        if self.lookahead and self.bidirectional:
            self._refuse(
                "lookahead",
                f"must be 0 with bidirectional = true, which hears all that follows, is "
                f"{self.lookahead}",
            )
        self._share("dropout", "recurrent_dropout")

    def num_steps(self, num_frames: int) -> int:
        """The number of input frames. The last one is padded with zeros if necessary."""
        return -(-num_frames // self.frame_stack)
