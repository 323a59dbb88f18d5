"""From decoded blocks to mono blocks at one sample rate."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from speechlstm.arguments import check_argument
from speechlstm.audio.channels import Mixer
from speechlstm.audio.decoding import BLOCK_SAMPLES, Block
from speechlstm.audio.events import decoded_events
from speechlstm.audio.plan import Gap
from speechlstm.audio.source import Source
from speechlstm.audio.waveform import (
    length_fault,
    sample_fault,
    sample_rate_fault,
    whole_sample_rate,
)
from speechlstm.errors import AudioError, counted

_MAX_GAP_SECONDS = 3600.0  # of silence in place of damage; longer ones are wrong timestamps
_MERGED_SECONDS = 0.2  # losses closer than this are reported as one


@dataclass
class Reading:
    """Converts a recording to mono blocks at one sample rate.

    Attributes:
        sample_rate: Of the blocks, in Hz; None: that of the recording, which is set once it is
            known.
        channel: The number of the channel, from 1; None: the mean of all.
        raw_rate: As in decoded_events.
        lost: (start, end) in seconds of damaged parts, as far as the recording has been read.
    """

    source: Source
    sample_rate: int | None
    channel: int | None
    raw_rate: int | None
    lost: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.sample_rate is not None:
            self.sample_rate = whole_sample_rate(self.sample_rate)
            if self.sample_rate < 1:
                raise ValueError(f"the sample rate must be positive, is {self.sample_rate}")
        if self.raw_rate is not None:
            self.raw_rate = whole_sample_rate(self.raw_rate)

    @property
    def losses(self) -> tuple[tuple[float, float], ...]:
        """The damaged parts; parts close to each other are merged."""
        return merged(self.lost)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The samples, block by block; they may exceed [-1, 1].

        Raises:
            AudioError: The recording cannot be decoded, has a sample rate out of range, samples
                that are not finite or far beyond full scale, lacks the channel, or is too short.
        """
        mixer, resampler = Mixer(str(self.source.path)), Resampler()
        seconds = gap = 0.0
        num_samples = 0
        for event in decoded_events(self.source, self.raw_rate):
            if isinstance(event, Gap):
                gap += event.seconds
                continue
            if not len(event.samples):
                continue
            self._check(event)
            self.sample_rate = self.sample_rate or event.sample_rate
            if gap:
                yield resampler.flushed()
                yield from self._silence(seconds, gap)
                seconds, gap = seconds + gap, 0.0
            for first, end in event.lost:
                at = seconds + first / event.sample_rate
                self.lost.append((at, at + (end - first) / event.sample_rate))
            seconds += len(event.samples) / event.sample_rate
            num_samples += len(event.samples)
            mono = self._chosen(event, mixer)
            if resampler.source_rate != event.sample_rate:
                yield resampler.flushed()
                resampler = Resampler(event.sample_rate, self.sample_rate)
            yield resampler.resampled(mono)
        yield resampler.flushed()
        if gap:
            self.lost.append((seconds, seconds + gap))
        if fault := length_fault(num_samples, resampler.source_rate or 1):
            truncated = "; it is truncated" if self.lost else ""
            raise AudioError(self.source.path, f"{fault}{truncated}")

    def _check(self, block: Block) -> None:
        if fault := sample_rate_fault(block.sample_rate):
            raise AudioError(self.source.path, fault)
        if fault := sample_fault(block.samples):
            raise AudioError(self.source.path, fault)
        check_argument("channel", self.channel, int | None)
        if self.channel is not None and not 1 <= self.channel <= block.samples.shape[1]:
            number = counted(block.samples.shape[1], "channel")
            raise AudioError(
                self.source.path,
                f"has {number}, counted from 1; there is no channel {self.channel}",
            )

    def _chosen(self, block: Block, mixer: Mixer) -> NDArray[np.float32]:
        if self.channel is None:
            return mixer.mixed(block.samples)
        return np.ascontiguousarray(block.samples[:, self.channel - 1])

    def _silence(self, start: float, seconds: float) -> Iterator[NDArray[np.float32]]:
        self.lost.append((start, start + seconds))
        if seconds > _MAX_GAP_SECONDS:
            raise AudioError(
                self.source.path, f"is damaged: its times jump by {seconds:.0f} s at {start:.1f} s"
            )
        left = round(seconds * (self.sample_rate or 0))
        while left > 0:
            yield np.zeros(min(left, BLOCK_SAMPLES), np.float32)
            left -= BLOCK_SAMPLES


class Resampler:
    """Resamples block by block."""

    def __init__(self, source_rate: int = 0, sample_rate: int | None = 0) -> None:
        self.source_rate = source_rate
        self._stream: Any = None
        if source_rate != sample_rate:
            self._stream = soxr.ResampleStream(source_rate, sample_rate, 1, dtype="float32")

    def resampled(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The samples that are complete after the next ones have been added."""
        if self._stream:
            samples = self._stream.resample_chunk(samples)
        return samples

    def flushed(self) -> NDArray[np.float32]:
        """The remaining samples of this signal. Another signal may follow."""
        if not self._stream:
            return np.empty(0, np.float32)
        last: NDArray[np.float32] = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
        self._stream.clear()
        return last


def merged(lost: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Losses in order, with those close to each other merged."""
    merged: list[tuple[float, float]] = []
    for start, end in lost:
        if merged and start - merged[-1][1] < _MERGED_SECONDS:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)
