"""Decodes the stretches of a plan with libsndfile."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from speechlstm.audio.plan import Gap, Plan, Stretch
from speechlstm.audio.source import Excerpt, Source
from speechlstm.errors import printable
from speechlstm.stderr import hidden_stderr

_BUFFER_BYTES = 1 << 17
BLOCK_SAMPLES = 1 << 16  # per channel, decoded at a time
UNKNOWN_SAMPLES = 2**63 - 1  # libsndfile's value for an unknown length

# libmpg123 writes messages about damaged frames to file descriptor 2, which belongs to the whole
# process, so it is hidden only if the program asks.
_silences_codecs = False


@dataclass(frozen=True)
class Block:
    """Consecutive decoded samples.

    Attributes:
        samples: (num_samples, num_channels) float32.
        sample_rate: In Hz.
        lost: (first, end) of samples that are silence in place of damaged data.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    lost: tuple[tuple[int, int], ...] = ()


def silence_codecs() -> None:
    """From now on, hide what is written to standard error while a codec decodes."""
    global _silences_codecs  # noqa: PLW0603 (standard error belongs to the process, too)
    _silences_codecs = True


def _silenced() -> AbstractContextManager[None]:
    """A block in which a codec decodes; hides standard error if silence_codecs was called."""
    return hidden_stderr() if _silences_codecs else nullcontext()


class _Sound(soundfile.SoundFile):  # type: ignore[misc]
    def seekable(self) -> bool:
        """False: otherwise soundfile seeks after each read, which changes the samples of an MP3."""
        return False


@contextmanager
def opened_sound(source: Source, stretch: Stretch) -> Iterator[Any]:
    """Open a stretch as a sound file.

    Raises:
        soundfile.LibsndfileError: It is not a sound file.
    """
    if stretch.pieces is None:
        # By descriptor, because this is fastest, and because by name soundfile would read .raw as
        # headerless. Reading starts at the position of the descriptor.
        source.file.seek(0)
        sound = _Sound(source.file.fileno(), closefd=False)
    else:
        # Buffered, because libmpg123 reads each frame in two small parts.
        sound = _Sound(BufferedReader(Excerpt(source, stretch.pieces), _BUFFER_BYTES))
    with sound:
        yield sound


def decoded(source: Source, plan: Plan) -> Iterator[Block | Gap]:
    """Decode a plan, and yield its blocks and the gaps between them.

    Raises:
        soundfile.LibsndfileError: Nothing can be decoded.
    """
    is_only_stretch = sum(isinstance(item, Stretch) for item in plan) == 1
    for item in plan:
        if isinstance(item, Gap):
            yield item
            continue
        try:
            yield from _decoded_stretch(source, item)
        except soundfile.LibsndfileError:
            if is_only_stretch or not item.num_samples:
                raise
            yield Gap(item.num_samples / item.sample_rate)


def _decoded_stretch(source: Source, stretch: Stretch) -> Iterator[Block | Gap]:
    with opened_sound(source, stretch) as sound:
        rate, known = int(sound.samplerate), stretch.num_samples
        if known is None and sound.frames != UNKNOWN_SAMPLES:
            known = sound.frames - stretch.skip
        done, to_skip = stretch.start, stretch.skip
        if done:
            sound.seek(done)
        while known is None or done < known:
            # No more than that: libFLAC takes what follows the last frame for damage of it.
            wanted = BLOCK_SAMPLES if known is None else min(BLOCK_SAMPLES, to_skip + known - done)
            try:
                with _silenced() if stretch.is_mpeg else nullcontext():
                    samples = sound.read(wanted, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                if done == stretch.start and not stretch.recover:
                    raise
                break
            if not len(samples):
                break
            samples, to_skip = samples[to_skip:], max(0, to_skip - len(samples))
            yield Block(samples, rate, _within(stretch.lost, done, done + len(samples)))
            done += len(samples)
    if stretch.num_unread:
        _warn_of_unread(source, stretch)
    if known is not None and done < known and not stretch.is_whole:
        if stretch.recover:
            yield from decoded(source, stretch.recover(done))
        else:
            yield Gap((known - done) / rate)


def _warn_of_unread(source: Source, stretch: Stretch) -> None:
    import logging  # seldom needed, and takes a while

    logging.getLogger(__name__).warning(
        "%s: the %d bytes after its end are not read",
        printable(str(source.path)),
        stretch.num_unread,
    )


def _within(
    spans: tuple[tuple[int, int], ...], start: int, end: int
) -> tuple[tuple[int, int], ...]:
    """The parts of the spans between start and end, relative to start."""
    return tuple(
        (max(first, start) - start, min(last, end) - start)
        for first, last in spans
        if first < end and last > start
    )


def planned_seconds(source: Source, plan: Plan) -> float:
    """The duration of a plan without the gaps at its end.

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
