"""Reads recordings of any format: decoded, mixed to mono, at the wanted sample rate."""

from collections.abc import Iterator

import numpy as np
import soundfile
from numpy.typing import NDArray

from speechlstm.audio.decoding import Block, opened_sound, planned_seconds
from speechlstm.audio.events import decoded_events, plan_recording
from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.reading import Reading, merged
from speechlstm.audio.segments import cut_at_pauses
from speechlstm.audio.source import Recording, Source, opened
from speechlstm.audio.waveform import Audio, length_fault, sample_rate_fault, within_full_scale
from speechlstm.errors import AudioError, DamagedAudioError, DataError


def read_audio(
    source: Recording,
    sample_rate: int | None = None,
    channel: int | None = None,
    raw_rate: int | None = None,
) -> Audio:
    """Decode a recording: its channels are mixed, the samples resampled.

    If samples of a float format exceed full scale by more than 3 dB, all are divided by the
    largest; else they are clipped.

    >>> round(read_audio("data/samples/date.wav").duration, 3)
    2.535

    Args:
        source: The path of a file, a `Piece` of one, or a binary file object, which is read from
            its current position.
        sample_rate: In Hz; None: that of the recording.
        channel: The number of one channel, from 1; None: the mean of all. If two channels have
            opposite polarity, one of them is inverted first.
        raw_rate: The sample rate in Hz of a recording without a header (16-bit little-endian PCM,
            mono); None: the recording has a header.

    Raises:
        DamagedAudioError: Parts are lost. The `partial` of the error is an Audio of what remains,
            with silence in place of lost parts in its middle.
        AudioError: The recording is missing, empty, not audio, or shorter than MIN_SECONDS; its
            samples are not finite; or it lacks the channel.
        TypeError: source is neither a path nor a binary file object.
    """
    with opened(source) as opened_source:
        reading = Reading(opened_source, sample_rate, channel, raw_rate)
        blocks = list(reading.blocks())
    audio = Audio(within_full_scale(np.concatenate(blocks)), reading.sample_rate or 0)
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
    """Decode a recording of any length in segments, cut at the quietest places.

    It is also cut where its level changes by much and for long, because the features of a segment
    are normalised as a whole.

    The segments together are what read_audio returns, but that of samples far beyond full scale,
    each is scaled by itself. The first one is yielded once max_seconds
    have been decoded, and no more than that is kept in memory.

    >>> [round(start, 1) for start, audio in read_segments("data/samples/code.wav", 16000, 2.0)]
    [0.0, 1.7]

    Args:
        source: As in read_audio.
        sample_rate: Of the segments, in Hz.
        max_seconds: The largest length of a segment, at least 1.
        channel: As in read_audio.
        raw_rate: As in read_audio.

    Yields:
        The start of the segment, in seconds from the start of the recording, and the segment.

    Raises:
        AudioError: As in read_audio. An error in the middle is raised after the segments before it;
            DamagedAudioError, without a `partial`, after all segments.
        ValueError: max_seconds is below 1.
    """
    if max_seconds < 1:
        raise ValueError(f"max_seconds must be at least 1, is {max_seconds}")
    with opened(source) as opened_source:
        reading = Reading(opened_source, sample_rate, channel, raw_rate)
        end = 0.0
        for start, audio in cut_at_pauses(reading.blocks(), sample_rate, max_seconds):
            end = start + audio.duration
            yield start, audio
        if reading.lost:
            raise DamagedAudioError(opened_source.path, reading.losses, end)


def read_blocks(
    source: Recording, sample_rate: int, raw_rate: int | None = None
) -> Iterator[NDArray[np.float32]]:
    """Decode a recording of any length block by block: mono, (num_samples,), at sample_rate.

    The blocks together are what read_audio returns, but what exceeds full scale is clipped.

    Args:
        source: As in read_audio.
        sample_rate: Of the blocks, in Hz.
        raw_rate: As in read_audio.

    Raises:
        AudioError: As in read_audio, after the blocks before the error; DamagedAudioError, without
            a `partial`, after all blocks.
    """
    with opened(source) as opened_source:
        reading = Reading(opened_source, sample_rate, None, raw_rate)
        num_samples = 0
        for block in reading.blocks():
            num_samples += len(block)
            yield np.clip(block, -1, 1)
        if reading.lost:
            seconds = num_samples / sample_rate
            raise DamagedAudioError(opened_source.path, reading.losses, seconds)


def read_duration(source: Recording) -> float:
    """The duration of a recording in seconds, as read_audio decodes it.

    It is read from headers, or from all frames or pages of MP3 and Ogg. Formats that only PyAV
    reads are decoded.

    >>> round(read_duration("data/samples/date.wav"), 3)
    2.535

    Raises:
        AudioError: As in read_audio, as far as the error can be found without decoding.
    """
    with opened(source) as opened_source:
        path = opened_source.path
        try:
            plan = plan_recording(opened_source)
            seconds = planned_seconds(opened_source, plan) if plan else None
        except soundfile.LibsndfileError:
            plan = None
        if not plan or seconds is None or opened_source.piece:
            reading = Reading(opened_source, None, None, None)
            seconds = sum(len(block) for block in reading.blocks()) / (reading.sample_rate or 1)
            lost = reading.losses
        else:
            lost = merged(_planned_losses(opened_source, plan))
            rate = _first_rate(opened_source, plan)
            if fault := sample_rate_fault(rate) or length_fault(round(seconds * rate), rate):
                raise AudioError(path, fault)
        if lost:
            raise DamagedAudioError(path, lost, seconds)
        return seconds


def known_duration(source: Recording) -> float | None:
    """The duration of a recording in seconds if it can be had without decoding, otherwise None.

    It is for displays: a recording that cannot be read has no known duration.
    """
    try:
        with opened(source) as opened_source:
            plan = plan_recording(opened_source)
            if opened_source.piece:
                return opened_source.piece.duration
            return planned_seconds(opened_source, plan) if plan else None
    except (DataError, OSError, soundfile.LibsndfileError):
        return None


def num_channels(source: Recording) -> int:
    """The number of channels of a recording (of its first part, if several were joined).

    >>> num_channels("data/samples/date.wav")
    1

    Raises:
        AudioError: As in read_audio.
    """
    with opened(source) as opened_source:
        for event in decoded_events(opened_source):
            if isinstance(event, Block):
                return int(event.samples.shape[1])
        raise AudioError(opened_source.path, "has no samples")


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
