"""Samples of what is planned, through libsndfile."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.silence import silenced
from speechlstm.audio.source import Excerpt, Source

_BUFFER_BYTES = 1 << 17
BLOCK_SAMPLES = 1 << 16  # of a channel: what is decoded at a time
UNKNOWN_SAMPLES = 2**63 - 1  # libsndfile's word for a length that a header does not tell


@dataclass(frozen=True)
class Block:
    """Consecutive samples.

    Attributes:
        samples: (num_samples, num_channels) float32.
        sample_rate: Samples a second.
        lost: Those that are silence in place of what damage has taken: (first, end).
    """

    samples: NDArray[np.float32]
    sample_rate: int
    lost: tuple[tuple[int, int], ...] = ()


class _Sound(soundfile.SoundFile):  # type: ignore[misc]
    def seekable(self) -> bool:
        """False: else soundfile seeks after each read, after which MP3 decodes to other samples."""
        return False


@contextmanager
def opened_sound(source: Source, stretch: Stretch) -> Iterator[Any]:
    """The sound file of a stretch.

    Raises:
        soundfile.LibsndfileError: It is none.
    """
    if stretch.pieces is None:
        # By descriptor, for that is fastest, and by name soundfile takes .raw as headerless; it
        # goes on where the descriptor stands.
        source.file.seek(0)
        sound = _Sound(source.file.fileno(), closefd=False)
    else:
        # libmpg123 asks for a header, then for a frame: two calls of the file for each.
        sound = _Sound(BufferedReader(Excerpt(source, stretch.pieces), _BUFFER_BYTES))
    with sound:
        yield sound


def decoded(source: Source, plan: Plan) -> Iterator[Block | Gap]:
    """The blocks of a plan, and what is lost between them.

    Raises:
        soundfile.LibsndfileError: Nothing of it can be decoded.
    """
    is_alone = sum(isinstance(item, Stretch) for item in plan) == 1
    for item in plan:
        if isinstance(item, Gap):
            yield item
            continue
        try:
            yield from _decoded_stretch(source, item)
        except soundfile.LibsndfileError:
            if is_alone or not item.num_samples:
                raise
            yield Gap(item.num_samples / item.sample_rate)


def _decoded_stretch(source: Source, stretch: Stretch) -> Iterator[Block | Gap]:
    with opened_sound(source, stretch) as sound:
        rate, known = int(sound.samplerate), stretch.num_samples
        if known is None and sound.frames != UNKNOWN_SAMPLES:
            known = sound.frames - stretch.skip
        done, to_skip = 0, stretch.skip
        while known is None or done < known:
            try:
                with silenced() if stretch.is_mpeg else nullcontext():
                    samples = sound.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                if not done and not stretch.recover:
                    raise
                break
            if not len(samples):
                break
            samples, to_skip = samples[to_skip:], max(0, to_skip - len(samples))
            samples = samples if known is None else samples[: known - done]
            yield Block(samples, rate, _within(stretch.lost, done, done + len(samples)))
            done += len(samples)
    if known is not None and done < known:
        if stretch.recover:
            yield from decoded(source, stretch.recover(done))
        else:
            yield Gap((known - done) / rate)


def _within(
    spans: tuple[tuple[int, int], ...], start: int, end: int
) -> tuple[tuple[int, int], ...]:
    """The parts of spans between start and end, counted from start."""
    return tuple(
        (max(first, start) - start, min(last, end) - start)
        for first, last in spans
        if first < end and last > start
    )


def planned_seconds(source: Source, plan: Plan) -> float:
    """How long what can be decoded of a plan lasts, gaps at its end aside.

    Raises:
        soundfile.LibsndfileError: A stretch of unknown length cannot be opened.
    """
    total = pending = 0.0
    for item in plan:
        if isinstance(item, Gap):
            pending += item.seconds
            continue
        rate, num_samples = item.sample_rate, item.num_samples
        if num_samples is None or not rate:
            with opened_sound(source, item) as sound:
                rate = int(sound.samplerate)
                num_samples = sound.frames - item.skip if num_samples is None else num_samples
        total += pending + num_samples / rate
        pending = 0.0
    return total
