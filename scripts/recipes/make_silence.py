"""Make training recordings without speech, in which a network would otherwise recognise words.

    python scripts/recipes/make_silence.py FOLDER [--num-recordings 250] [--seed 1]

Each recording is noise of a random colour, a random chord, both or neither, at a random level,
steady or decaying repeatedly. FOLDER/train.jsonl lists them with an empty text: no speech.
"""

from pathlib import Path

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

from speechlstm.corpora.manifest import Utterance, write_manifest

SAMPLE_RATE = 16000


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--num-recordings", default=250, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(folder: Path, num_recordings: int, seed: int) -> None:
    """Write the recordings and their manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    utterances = []
    for index in range(num_recordings):
        name, samples = f"silence{index:04d}", make_silence(generator)
        soundfile.write(folder / f"{name}.flac", samples, SAMPLE_RATE)
        utterances.append(Utterance(name, f"{name}.flac", len(samples) / SAMPLE_RATE, text=""))
    write_manifest(folder / "train.jsonl", utterances)


def make_silence(generator: np.random.Generator) -> NDArray[np.float64]:
    """Make a recording of one to ten seconds without speech."""
    num_samples = int(generator.uniform(1, 10) * SAMPLE_RATE)
    sounds = [noise(num_samples, generator), chord(num_samples, generator)]
    samples = sum(sound for sound in sounds if generator.random() < 0.6) + np.zeros(num_samples)
    if generator.random() < 0.5:
        samples *= fading(num_samples, generator)
    peak = np.abs(samples).max()
    level = 10 ** (generator.uniform(-80, -3) / 20)  # of the peak, below full scale
    return samples * level / peak if peak else samples


def noise(num_samples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Noise whose amplitude falls with a random power of the frequency: white, pink, brown ..."""
    spectrum = np.fft.rfft(generator.normal(size=num_samples))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** generator.uniform(0, 1.2)
    samples = np.fft.irfft(spectrum, num_samples)
    return np.asarray(samples / samples.std())


def chord(num_samples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """One to four tones with overtones, as of an instrument or a machine."""
    time = np.arange(num_samples) / SAMPLE_RATE
    samples = np.zeros(num_samples)
    for pitch in 40 * 2 ** generator.uniform(0, 5, generator.integers(1, 5)):
        for overtone in range(1, generator.integers(2, 8)):
            phase = generator.uniform(0, 2 * np.pi)
            samples += np.sin(2 * np.pi * pitch * overtone * time + phase) / overtone
    return samples


def fading(num_samples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """An amplitude that decays repeatedly, as that of a plucked string."""
    period, rate = generator.uniform(0.1, 2), generator.uniform(1, 8)
    return np.asarray(np.exp(-rate * (np.arange(num_samples) / SAMPLE_RATE % period)))


if __name__ == "__main__":
    main()
