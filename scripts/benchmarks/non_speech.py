"""Sounds without speech: telephones, instruments, machines and the weather.

They are generated from a seed, so no model was trained on them: recordings of 2 to 20 seconds of
each kind, with peaks of -60 to -3 dB of full scale.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16000
LENGTHS_SECONDS = (2, 5, 10, 20)
LEVELS_DB = (-60, -3)  # range of the peak, relative to full scale
SEED = 1

Samples = NDArray[np.float64]
Sound = Callable[[int, np.random.Generator], Samples]  # (num_samples, generator) -> any scale


def non_speech(kind: str, seconds: float) -> Iterator[NDArray[np.float32]]:
    """Yield recordings of a kind of sound, `seconds` in total; each call yields the same ones.

    >>> [len(samples) / SAMPLE_RATE for samples in non_speech("sine", 40)]
    [20.0, 5.0, 2.0, 5.0, 8.0]
    """
    generator = np.random.default_rng([SEED, list(SOUNDS).index(kind)])
    left = round(seconds * SAMPLE_RATE)
    while left:
        num_samples = min(left, int(generator.choice(LENGTHS_SECONDS)) * SAMPLE_RATE)
        sound = SOUNDS[kind](num_samples, generator)
        peak = 10 ** (generator.uniform(*LEVELS_DB) / 20)
        sound = sound * (peak / max(1e-9, np.abs(sound).max()))
        # Quantized to 16 bits, as a recorder does: the network reacts to quantization noise.
        yield (np.round(sound * 32767) / 32768).astype(np.float32)
        left -= num_samples


def white(num_samples: int, generator: np.random.Generator) -> Samples:
    """White noise: equal power at all frequencies."""
    return generator.normal(size=num_samples)


def pink(num_samples: int, generator: np.random.Generator) -> Samples:
    """Pink noise: the power falls by 3 dB per octave."""
    return coloured(num_samples, generator, 0.5)


def coloured(num_samples: int, generator: np.random.Generator, slope: float) -> Samples:
    """Noise whose amplitude is proportional to frequency ** -slope; standard deviation 1."""
    spectrum = np.fft.rfft(generator.normal(size=num_samples))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** slope
    spectrum[0] = 0
    sound = np.fft.irfft(spectrum, num_samples)
    return np.asarray(sound / sound.std())


def _times(num_samples: int) -> Samples:
    return np.arange(num_samples) / SAMPLE_RATE


def _wave(shape: str) -> Sound:
    def sound(num_samples: int, generator: np.random.Generator) -> Samples:
        frequency = np.exp(generator.uniform(np.log(80), np.log(5000)))
        return _cycle(shape, frequency * _times(num_samples))

    return sound


def _cycle(shape: str, cycles: Samples) -> Samples:
    if shape == "sine":
        return np.sin(2 * np.pi * cycles)
    if shape == "square":
        return np.sign(np.sin(2 * np.pi * cycles))
    return 2 * (cycles % 1) - 1  # a saw


def _gated(pattern: tuple[float, ...], frequencies: tuple[float, ...]) -> Sound:
    """A sum of tones that is on and off for the given seconds in turn."""

    def sound(num_samples: int, generator: np.random.Generator) -> Samples:
        time = _times(num_samples) + generator.uniform(0, sum(pattern))
        edges = np.cumsum((0, *pattern))
        place = time % edges[-1]
        is_on = sum((place >= a) & (place < b) for a, b in list(pairwise(edges))[::2])
        return np.asarray(is_on * sum(np.sin(2 * np.pi * f * time) for f in frequencies))

    return sound


def dtmf(num_samples: int, generator: np.random.Generator) -> Samples:
    """Touch tones of a telephone (ITU-T Q.23): 70 to 250 ms for a key, then a pause."""
    sound = np.zeros(num_samples)
    start = 0
    while start < num_samples:
        length = round(generator.uniform(0.07, 0.25) * SAMPLE_RATE)
        pair = generator.choice((697, 770, 852, 941)), generator.choice((1209, 1336, 1477))
        time = _times(len(sound[start : start + length]))
        sound[start : start + length] = sum(np.sin(2 * np.pi * f * time) for f in pair)
        start += length + round(generator.uniform(0.05, 0.4) * SAMPLE_RATE)
    return sound


def beeps(num_samples: int, generator: np.random.Generator) -> Samples:
    """Regular beeps of a random pitch and pace."""
    frequency = generator.uniform(300, 4000)
    length, pause = generator.uniform(0.03, 0.6), generator.uniform(0.05, 2)
    time = _times(num_samples)
    shape = str(generator.choice(("sine", "square")))
    return _cycle(shape, frequency * time) * (time % (length + pause) < length)


def siren(num_samples: int, generator: np.random.Generator) -> Samples:
    """A tone that rises and falls, or alternates between two pitches."""
    time, pace = _times(num_samples), generator.uniform(0.1, 4)
    swing = np.sin(2 * np.pi * pace * time)
    if generator.random() < 0.5:
        swing = np.sign(swing)
    frequency = generator.uniform(400, 1500) * (1 + generator.uniform(0.05, 0.5) * swing)
    return np.sin(2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE)


def hum(num_samples: int, generator: np.random.Generator) -> Samples:
    """Mains hum of 50 or 60 Hz with harmonics, and some noise."""
    base = generator.choice((50, 60))
    time = _times(num_samples)
    tones = sum(
        generator.uniform(0, 1) / k * np.sin(2 * np.pi * (base * k * time + generator.random()))
        for k in range(1, 15)
    )
    return np.asarray(tones + generator.choice((0, 0.01, 0.1)) * white(num_samples, generator))


def _strings(num_notes: int) -> Sound:
    """A sequence of chords of plucked strings, with the given number of notes."""

    def sound(num_samples: int, generator: np.random.Generator) -> Samples:
        music = np.zeros(num_samples)
        beat = round(generator.uniform(0.2, 1.2) * SAMPLE_RATE)
        decay = generator.uniform(0.5, 6)
        for start in range(0, num_samples, beat):
            time = _times(num_samples - start)[: 3 * beat]
            root = generator.integers(-17, 20)
            for step in (0, 4, 7, 12)[:num_notes]:
                pitch = 440 * 2 ** ((root + step) / 12)
                partials = range(1, 1 + int(min(8, 7500 // pitch)))
                note = sum(np.sin(2 * np.pi * k * pitch * time) / k**1.5 for k in partials)
                music[start : start + len(time)] += note * np.exp(-decay * time)
        return music

    return sound


def organ(num_samples: int, generator: np.random.Generator) -> Samples:
    """Sustained chords with a tremolo."""
    time = _times(num_samples)
    chords = np.zeros(num_samples)
    for span in np.array_split(np.arange(num_samples), max(1, num_samples // (2 * SAMPLE_RATE))):
        root = 220 * 2 ** (generator.integers(-12, 12) / 12)
        pitches = [k * root * 2 ** (step / 12) for step in (0, 4, 7) for k in (1, 2, 3)]
        chords[span] = sum(np.sin(2 * np.pi * p * time[span]) / p for p in pitches)
    return chords * (1 + 0.3 * np.sin(2 * np.pi * generator.uniform(3, 7) * time))


def _bursts(paces: tuple[float, float], decay_ms: tuple[float, float], slope: float) -> Sound:
    """Bursts of coloured noise: `paces` per second, with an exponential decay of `decay_ms`."""

    def sound(num_samples: int, generator: np.random.Generator) -> Samples:
        bursts = np.zeros(num_samples)
        pace = generator.uniform(*paces)
        starts = generator.integers(num_samples, size=max(1, round(pace * num_samples / 16000)))
        for start in starts.tolist():
            decay = generator.uniform(*decay_ms) / 1000
            length = min(num_samples - start, round(8 * decay * SAMPLE_RATE) + 2)
            noise = coloured(round(8 * decay * SAMPLE_RATE) + 2, generator, slope)[:length]
            fading = np.exp(-_times(length) / decay)
            bursts[start : start + length] += generator.uniform(0.2, 1) * noise * fading
        return bursts

    return sound


def rain(num_samples: int, generator: np.random.Generator) -> Samples:
    """Rain: hiss and drops."""
    hiss = coloured(num_samples, generator, generator.uniform(0, 0.5))
    drops = _bursts((5, 60), (1, 8), 0.2)(num_samples, generator)
    return hiss + generator.uniform(0, 3) * drops


def wind(num_samples: int, generator: np.random.Generator) -> Samples:
    """Wind: low-frequency noise of varying loudness."""
    gusts = np.interp(_times(num_samples), np.arange(0, 30, 0.5), generator.uniform(-1, 1, size=60))
    return coloured(num_samples, generator, generator.uniform(0.8, 1.5)) * np.exp(gusts)


def engine(num_samples: int, generator: np.random.Generator) -> Samples:
    """A motor or fan: a low sawtooth of varying pitch, and noise."""
    time = _times(num_samples)
    wavers = 1 + 0.03 * np.sin(2 * np.pi * generator.uniform(0.2, 2) * time)
    saw = _cycle("saw", np.cumsum(generator.uniform(20, 200) * wavers) / SAMPLE_RATE)
    return saw + generator.uniform(0.1, 2) * pink(num_samples, generator)


SOUNDS: dict[str, Sound] = {
    "digital silence": lambda num_samples, _: np.zeros(num_samples),
    "white noise": white,
    "pink noise": pink,
    "rain": rain,
    "wind": wind,
    "hum": hum,
    "engine": engine,
    "sine": _wave("sine"),
    "square": _wave("square"),
    "saw": _wave("saw"),
    "siren": siren,
    "beeps": beeps,
    "touch tones": dtmf,
    "dial tone": _gated((1.0,), (425,)),
    "ring tone": _gated((1.0, 4.0), (425,)),
    "ring tone (US)": _gated((2.0, 4.0), (440, 480)),
    "busy tone": _gated((0.5, 0.5), (480, 620)),
    "congestion": _gated((0.25, 0.25), (425,)),
    "melody": _strings(1),
    "chords": _strings(4),
    "organ": organ,
    "clicks": _bursts((0.5, 8), (0.2, 3), 0.0),
    "knocks": _bursts((0.5, 6), (5, 40), 0.7),
    "bangs": _bursts((0.2, 1), (60, 300), 1.0),
}
