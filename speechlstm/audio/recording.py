"""Recordings of any container, decoded, mixed to mono, at the wanted rate."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from speechlstm.audio import media
from speechlstm.audio.channels import Mixer
from speechlstm.audio.decoding import BLOCK_SAMPLES, Block, decoded, opened_sound, planned_seconds
from speechlstm.audio.flac import plan_flac
from speechlstm.audio.headers import is_rare_format, plan_by_header
from speechlstm.audio.mp3 import plan_mp3
from speechlstm.audio.ogg import plan_ogg
from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.segments import cut_at_pauses
from speechlstm.audio.source import Recording, Source, opened
from speechlstm.audio.waveform import Audio, length_fault, sample_fault, sample_rate_fault
from speechlstm.errors import AudioError, DamagedAudioError

_MAX_GAP_SECONDS = 3600.0  # of silence in place of damage; more is damage of the clock
_MERGED_SECONDS = 0.2  # between two losses that are told as one


def read_audio(
    source: Recording,
    sample_rate: int | None = None,
    channel: int | None = None,
    raw_rate: int | None = None,
) -> Audio:
    """Decodes a recording: channels mixed, resampled, clipped to [-1, 1].

    Args:
        source: A file by its name, or a binary file object, read from where it stands.
        sample_rate: Samples a second; None: those of the recording.
        channel: The one to take, counted from 1; None: all, mixed. Of two that are each other's
            opposite, one is inverted first.
        raw_rate: Samples a second of a recording without a header: 16-bit, little-endian, mono.

    Raises:
        DamagedAudioError: Parts of it are lost; what there is of it is the error's `partial`, with
            silence in place of parts in its middle.
        AudioError: It is missing, empty, no recording, shorter than MIN_SECONDS, or its samples are
            not finite; or it lacks the channel.
    """
    with opened(source) as opened_source:
        reading = _Reading(opened_source, sample_rate, channel, raw_rate)
        blocks = list(reading.blocks())
    audio = Audio(np.concatenate(blocks), reading.sample_rate or 0)
    if reading.lost:
        raise DamagedAudioError(opened_source.path, reading.losses, audio.duration, audio)
    return audio


def read_segments(
    source: Recording,
    sample_rate: int,
    max_seconds: float = 20.0,
    channel: int | None = None,
    raw_rate: int | None = None,
) -> Iterator[tuple[float, Audio]]:
    """Decodes a recording of any length in pieces, cut where it is quietest.

    Joined, the pieces are what read_audio returns. The first comes as soon as max_seconds are
    decoded; no more than that is held.

    Args:
        source: A file by its name, or a binary file object, read from where it stands.
        sample_rate: Samples a second of the pieces.
        max_seconds: Length of a piece, at most; at least 1. A piece of a recording longer than
            this is never shorter than a tenth of it.
        channel: As in read_audio.
        raw_rate: As in read_audio.

    Yields:
        Where the piece starts, in seconds from the start of the recording; the piece.

    Raises:
        AudioError: As in read_audio; a fault in the middle shows after the pieces before it, and
            DamagedAudioError, without a `partial`, after all there are.
    """
    if max_seconds < 1:
        raise ValueError(f"max_seconds must be at least 1, is {max_seconds}")
    with opened(source) as opened_source:
        reading = _Reading(opened_source, sample_rate, channel, raw_rate)
        end = 0.0
        for start, audio in cut_at_pauses(reading.blocks(), sample_rate, max_seconds):
            end = start + audio.duration
            yield start, audio
        if reading.lost:
            raise DamagedAudioError(opened_source.path, reading.losses, end)


def read_duration(source: Recording) -> float:
    """Seconds of a recording, as read_audio decodes it.

    Headers tell, or the frames and pages of MP3 and Ogg, which are all looked at; what only PyAV
    reads is decoded.

    Raises:
        AudioError: As in read_audio, as far as the containers tell.
    """
    with opened(source) as opened_source:
        path = opened_source.path
        try:
            plan = _plan(opened_source)
            seconds = planned_seconds(opened_source, plan) if plan else None
        except soundfile.LibsndfileError:
            plan = None
        if not plan or seconds is None:
            reading = _Reading(opened_source, None, None, None)
            seconds = sum(len(block) for block in reading.blocks()) / (reading.sample_rate or 1)
            lost = reading.losses
        else:
            lost = _merged(_planned_losses(opened_source, plan))
            rate = _first_rate(opened_source, plan)
            if fault := sample_rate_fault(rate) or length_fault(round(seconds * rate), rate):
                raise AudioError(path, fault)
        if lost:
            raise DamagedAudioError(path, lost, seconds)
        return seconds


def num_channels(source: Recording) -> int:
    """Channels of a recording, of the first of its parts.

    Raises:
        AudioError: As in read_audio.
    """
    with opened(source) as opened_source:
        for event in _events(opened_source):
            if isinstance(event, Block):
                return int(event.samples.shape[1])
        raise AudioError(opened_source.path, "holds no samples")


@dataclass
class _Reading:
    """A recording on its way from bytes to mono blocks.

    Attributes:
        source: Its bytes.
        sample_rate: Samples a second of the blocks; None until the recording has told its own.
        channel: The one to take, counted from 1; None: all, mixed.
        raw_rate: As in read_audio.
        lost: (start, end) in seconds of what damage has taken, as far as it has been read.
    """

    source: Source
    sample_rate: int | None
    channel: int | None
    raw_rate: int | None
    lost: list[tuple[float, float]] = field(default_factory=list)

    @property
    def losses(self) -> tuple[tuple[float, float], ...]:
        """What is lost, neighbours joined."""
        return _merged(self.lost)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The samples, mono at sample_rate, block by block.

        Raises:
            AudioError: As in read_audio.
        """
        mixer, resampler = Mixer(str(self.source.path)), _Resampler()
        seconds = gap = 0.0
        num_samples = 0
        for event in _events(self.source, self.raw_rate):
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
                resampler = _Resampler(event.sample_rate, self.sample_rate)
            yield resampler.resampled(mono)
        yield resampler.flushed()
        if gap:
            self.lost.append((seconds, seconds + gap))
        if fault := length_fault(num_samples, resampler.source_rate or 1):
            truncated = ", for it is truncated" if self.lost else ""
            raise AudioError(self.source.path, f"{fault}{truncated}")

    def _check(self, block: Block) -> None:
        if fault := sample_rate_fault(block.sample_rate):
            raise AudioError(self.source.path, fault)
        if fault := sample_fault(block.samples):
            raise AudioError(self.source.path, fault)
        if self.channel is not None and not 1 <= self.channel <= block.samples.shape[1]:
            reason = f"has {block.samples.shape[1]} channels, no channel {self.channel}"
            raise AudioError(self.source.path, reason)

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


class _Resampler:
    """From one rate to another, block by block, clipped to [-1, 1]."""

    def __init__(self, source_rate: int = 0, sample_rate: int | None = 0) -> None:
        self.source_rate = source_rate
        self._stream: Any = None
        if source_rate != sample_rate:
            self._stream = soxr.ResampleStream(source_rate, sample_rate, 1, dtype="float32")

    def resampled(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the next samples, what can be told yet."""
        if self._stream:
            samples = self._stream.resample_chunk(samples)
        return np.clip(samples, -1, 1)

    def flushed(self) -> NDArray[np.float32]:
        """What is left; others may follow."""
        if not self._stream:
            return np.empty(0, np.float32)
        last: NDArray[np.float32] = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
        self._stream.clear()
        return np.clip(last, -1, 1)


def _plan(source: Source) -> Plan | None:
    """How libsndfile decodes a recording, by its content; None where it does not."""
    head = source.read(0, 16)
    if head[:4] == b"OggS":
        return plan_ogg(source)
    if media.magic_name(head):
        return None
    is_tagged = head[:3] == b"ID3"
    if head[:4] == b"fLaC" or is_tagged:
        plan = plan_flac(source)
        if plan:
            return plan
    if is_tagged or (head[0] == 0xFF and len(head) > 1 and head[1] & 0xE0 == 0xE0):
        return plan_mp3(source)  # never by libsndfile alone: libmpg123 complains on stderr
    plan = plan_by_header(source) or plan_mp3(source)
    return [Stretch(None)] if plan is None and is_rare_format(source) else plan


def _events(source: Source, raw_rate: int | None = None) -> Iterator[Block | Gap]:
    """The samples of a recording, and what is lost between them."""
    if raw_rate is not None:
        yield from _raw_blocks(source, raw_rate)
        return
    plan = _plan(source)
    name = media.magic_name(source.read(0, 16))
    reason = f"is {name}" if name else "is no recording of a known format"
    has_begun = False
    if plan:
        try:
            for event in decoded(source, plan):
                has_begun = True
                yield event
            return
        except soundfile.LibsndfileError as error:
            reason = f"cannot be decoded: {error.error_string.rstrip('.')}"
            if has_begun:
                raise AudioError(source.path, reason) from None
    yield from media.decoded(source, reason)


def _raw_blocks(source: Source, sample_rate: int) -> Iterator[Block]:
    num_bytes = source.size - source.size % 2
    for start in range(0, num_bytes, 2 * BLOCK_SAMPLES):
        content = source.read(start, min(2 * BLOCK_SAMPLES, num_bytes - start))
        samples = np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.float32)
        yield Block(samples[:, np.newaxis] / np.float32(32768), sample_rate)


def _planned_losses(source: Source, plan: Plan) -> list[tuple[float, float]]:
    lost, seconds = [], 0.0
    for item in plan:
        if isinstance(item, Gap):
            lost.append((seconds, seconds + item.seconds))
            seconds += item.seconds
            continue
        lost += [
            (seconds + first / item.sample_rate, seconds + end / item.sample_rate)
            for first, end in item.lost
        ]
        seconds += planned_seconds(source, [item])
    return lost


def _first_rate(source: Source, plan: Plan) -> int:
    for item in plan:
        if isinstance(item, Stretch):
            if item.sample_rate:
                return item.sample_rate
            with opened_sound(source, item) as sound:
                return int(sound.samplerate)
    return 0


def _merged(lost: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Losses in their order, those that are close together as one."""
    merged: list[tuple[float, float]] = []
    for start, end in lost:
        if merged and start - merged[-1][1] < _MERGED_SECONDS:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)
