"""Cuts a piece out of a recording while it is decoded."""

from collections.abc import Iterator
from dataclasses import replace

import soundfile

from speechlstm.audio.decoding import Block, opened_sound
from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.source import Piece, Source
from speechlstm.errors import AudioError

END_TOLERANCE = 0.1  # seconds, because corpora round the times of pieces


def sought(source: Source, plan: Plan, start: float) -> tuple[Plan, float]:
    """A plan that begins at a time, in seconds, and the time at which it does begin.

    Only whole files that libsndfile seeks in to the sample are not decoded from their start: WAV,
    FLAC and others, but neither MP3 nor Ogg.
    """
    first = plan[0]
    if start <= 0 or not isinstance(first, Stretch):
        return plan, 0.0
    if first.pieces is not None or first.skip or first.lost or first.is_mpeg:
        return plan, 0.0
    try:
        with opened_sound(source, first) as sound:
            position = min(int(start * sound.samplerate), sound.frames)
            sound.seek(position)
            begins = position / sound.samplerate
    except soundfile.LibsndfileError:
        return plan, 0.0
    return [replace(first, start=position), *plan[1:]], begins


def within(events: Iterator[Block | Gap], piece: Piece, start: float) -> Iterator[Block | Gap]:
    """The part of a recording's events that is in a piece.

    Args:
        start: The time of the first event, in seconds from the start of the recording.

    Raises:
        AudioError: The recording ends before the piece does.
    """
    at = start
    for event in events:
        if isinstance(event, Gap):
            seconds = event.seconds
            covered = min(piece.end, at + seconds) - max(piece.start, at)
            if covered > 0:
                yield Gap(covered)
        else:
            seconds = len(event.samples) / event.sample_rate
            block = _cut(event, piece.start - at, piece.end - at)
            if len(block.samples):
                yield block
        at += seconds
        if at >= piece.end:
            return
    if piece.end > at + END_TOLERANCE:
        reason = f"lasts {at:.2f} s, but a piece of it is to end at {piece.end:.2f} s"
        raise AudioError(piece.path, reason)


def _cut(block: Block, start: float, end: float) -> Block:
    """The samples of a block from start to end, in seconds of the block."""
    first = min(max(0, round(start * block.sample_rate)), len(block.samples))
    last = min(max(first, round(end * block.sample_rate)), len(block.samples))
    lost = tuple(
        (max(low, first) - first, min(high, last) - first)
        for low, high in block.lost
        if low < last and high > first
    )
    return replace(block, samples=block.samples[first:last], lost=lost)
