"""Finds recordings with the same sound, also if they were encoded, cut or made louder since.

Haitsma and Kalker, "A highly robust audio fingerprinting system", ISMIR 2002: each frame becomes 32
bits, the signs of the changes of energy along frequency and time.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import Audio

_RATE = 8_000
_WINDOW, _HOP = 2_048, 128  # samples: 0.256 and 0.016 s
_LOW_HZ, _HIGH_HZ, _NUM_BITS = 200.0, 3_400.0, 32
_LOUD_DB = 25.0  # below the loudest frame; the bits of quieter frames depend on the encoder
_MIN_FRAMES = 63  # one second; the bits of frames overlap, so that fewer say little
# Of the bits of different recordings half differ; of 80 sentences that one speaker said twice 32 %
# and more, of 100 that were encoded again (MP3 at its lowest rate, Opus, Vorbis) 21 % and less.
_MAX_DIFFERENT = 0.25
_MAX_WORDS = 4_000_000  # that are indexed; of larger corpora, a share of them
_MOST_ALIKE = 16  # recordings with a word; those that more have say nothing
_SHAPE = np.hanning(_WINDOW).astype(np.float32)
_MIX = np.uint32(0x9E3779B1)


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is compared of a recording.

    Attributes:
        sha256: Of the samples, which only a copy shares.
        words: (num_frames,) uint32, the 32 bits of each frame.
        is_loud: (num_frames,) whether the frame counts.
    """

    sha256: bytes
    words: NDArray[np.uint32]
    is_loud: NDArray[np.bool_]

    @classmethod
    def of(cls, audio: Audio) -> "Fingerprint":
        """The fingerprint of a recording."""
        digest = hashlib.sha256(np.round(audio.samples * 32767).astype("<i2").tobytes()).digest()
        samples = audio.resampled(_RATE).samples
        samples = np.pad(samples, (0, max(0, _WINDOW + _HOP - len(samples))))
        frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
        bands = np.concatenate(
            [_band_energies(frames[first : first + 256]) for first in range(0, len(frames), 256)]
        )
        changes = np.diff(np.diff(bands, axis=1), axis=0) > 0
        words = np.packbits(changes, axis=1).view(">u4")[:, 0].astype(np.uint32)
        levels = 10 * np.log10(bands[1:].sum(axis=1) + 1e-12)
        return cls(digest, words, levels >= levels.max() - _LOUD_DB)


@dataclass(frozen=True)
class Alike:
    """Two recordings with the same sound.

    Attributes:
        first: The index of one.
        second: The index of the other, which is larger.
        is_copy: Whether all their samples are the same.
        seconds: How much of them is the same.
    """

    first: int
    second: int
    is_copy: bool
    seconds: float


def find_alike(fingerprints: Sequence[Fingerprint]) -> list[Alike]:
    """The pairs of recordings that share at least a second of sound, or all of it.

    Of several copies, each is paired with the first one.
    """
    found = {(pair.first, pair.second): pair for pair in _copies(fingerprints)}
    second_of_copies = {second for _, second in found}
    for first, second, offset in _candidates(fingerprints):
        if (first, second) in found or {first, second} & second_of_copies:
            continue
        seconds = _shared_seconds(fingerprints[first], fingerprints[second], offset)
        if seconds:
            found[first, second] = Alike(first, second, False, seconds)
    return [found[pair] for pair in sorted(found)]


def _band_energies(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """The energies, (num_frames, 33), in bands of equal width on a logarithmic scale."""
    spectra = np.square(np.abs(np.fft.rfft(frames * _SHAPE, axis=1)))
    edges = np.geomspace(_LOW_HZ, _HIGH_HZ, _NUM_BITS + 2) * _WINDOW / _RATE
    bins = np.round(edges).astype(int)
    energies: NDArray[np.float32] = np.add.reduceat(spectra[:, : bins[-1]], bins[:-1], axis=1)
    return energies


def _copies(fingerprints: Sequence[Fingerprint]) -> Iterator[Alike]:
    firsts: dict[bytes, int] = {}
    for index, one in enumerate(fingerprints):
        first = firsts.setdefault(one.sha256, index)
        if first != index:
            yield Alike(first, index, True, len(one.words) * _HOP / _RATE)


def _candidates(fingerprints: Sequence[Fingerprint]) -> Iterator[tuple[int, int, int]]:
    """(first, second, frames that the second begins later) of pairs with a frame in common."""
    counts = [int(one.is_loud.sum()) for one in fingerprints]
    share = min(1.0, _MAX_WORDS / max(sum(counts), 1))
    words, owners, frames = [], [], []
    for index, one in enumerate(fingerprints):
        chosen = one.is_loud & ((one.words * _MIX) <= np.uint32(share * 0xFFFFFFFF))
        places = np.flatnonzero(chosen)
        words.append(one.words[places])
        owners.append(np.full(len(places), index, np.int32))
        frames.append(places.astype(np.int32))
    if not words:
        return
    word, owner, frame = (np.concatenate(parts) for parts in (words, owners, frames))
    order = np.argsort(word, kind="stable")
    word, owner, frame = word[order], owner[order], frame[order]
    starts = np.flatnonzero(np.concatenate(([True], word[1:] != word[:-1])))
    ends = np.append(starts[1:], len(word))
    votes: Counter[tuple[int, int, int]] = Counter()
    for start, end in zip(starts, ends, strict=True):
        if not 2 <= end - start <= _MOST_ALIKE:
            continue
        for a in range(start, end):
            for b in range(a + 1, end):
                if owner[a] != owner[b]:
                    votes[int(owner[a]), int(owner[b]), int(frame[a] - frame[b])] += 1
    yield from (pair for pair, _ in votes.most_common())


def _shared_seconds(first: Fingerprint, second: Fingerprint, offset: int) -> float:
    """How much of two recordings is the same if the second begins at a frame of the first."""
    start, end = max(0, offset), min(len(first.words), offset + len(second.words))
    if end - start < _MIN_FRAMES:
        return 0.0
    one, other = slice(start, end), slice(start - offset, end - offset)
    counts = first.is_loud[one] | second.is_loud[other]
    differing = np.bitwise_xor(first.words[one], second.words[other])[counts]
    if len(differing) < _MIN_FRAMES // 2:
        return 0.0
    num_bits = int(np.unpackbits(differing.view(np.uint8)).sum())
    if num_bits > _MAX_DIFFERENT * _NUM_BITS * len(differing):
        return 0.0
    return (end - start) * _HOP / _RATE
