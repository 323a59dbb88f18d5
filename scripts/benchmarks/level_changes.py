"""Word errors where the level of a recording changes by much: cut there, and not cut.

    python scripts/benchmarks/level_changes.py MANIFEST... [--pairs 8] [--greedy]

Two utterances of different speakers, with 0.4 s of noise of -75 dB between them, are a recording:
both at the same level; one of them quieter; or, instead of the first one, a sound before the second
one, which is at -45 dB. Each recording is recognised as it is cut by default, as a whole, and as
its utterances apart.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from speechlstm import Audio, Recognizer
from speechlstm.audio import read_audio, split
from speechlstm.corpora.manifest import Manifest
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.recognizer.segments import transcribe_segments
from speechlstm.text.normalize import normalize

RATE = 16000
WAYS = ("apart", "whole", "cut")

Spoken = tuple[NDArray[Any], str]  # samples and text


@click.command(help=__doc__)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--pairs", default=8, show_default=True, help="Of each manifest.")
@click.option("--greedy", is_flag=True, help="Without language models.")
def main(manifests: tuple[Path, ...], pairs: int, greedy: bool) -> None:
    """Measure and print the table."""
    recognizer = Recognizer.load(greedy=greedy)
    errors: dict[str, Counter[str]] = {}
    words: Counter[str] = Counter()
    for path in manifests:
        for first, second in _pairs(path, pairs):
            for name, parts in _recordings(first, second):
                reference = " ".join(text for _, text in parts if text)
                whole = Audio(_joined([samples for samples, _ in parts]), RATE)
                spoken = [Audio(samples, RATE) for samples, text in parts if text]
                found = (
                    " ".join(transcribe_segments(recognizer, [(0, a)]).text for a in spoken),
                    transcribe_segments(recognizer, [(0, whole)]).text,
                    transcribe_segments(recognizer, split(whole)).text,
                )
                counts = [word_errors(reference, text) for text in found]
                words[name] += counts[0].num_reference
                row = errors.setdefault(name, Counter())
                row.update(dict(zip(WAYS, map(_number, counts), strict=True)))
    print(f"| | words | {' | '.join(WAYS)} |\n|---|---|---|---|---|")
    for name, row in errors.items():
        rates = " | ".join(f"{row[way] / words[name]:.1%}" for way in WAYS)
        print(f"| {name} | {words[name]} | {rates} |")


def _number(counts: ErrorCounts) -> int:
    return counts.num_errors


def _pairs(path: Path, most: int) -> Iterator[tuple[Spoken, Spoken]]:
    manifest = Manifest(path)
    listed = [u for u in manifest if u.text and 2 < u.duration < 9]
    order = np.random.default_rng(11).permutation(len(listed)).tolist()
    pairs = [(listed[i], listed[j]) for i, j in zip(order[::2], order[1::2], strict=False)]
    for pair in [p for p in pairs if p[0].speaker != p[1].speaker][:most]:
        first, second = (
            (read_audio(manifest.recording(u), RATE).samples, normalize(u.text or "")) for u in pair
        )
        yield first, second


def _recordings(first: Spoken, second: Spoken) -> Iterator[tuple[str, list[Spoken]]]:
    """Names of recordings, and the parts of each; what is not spoken has no text."""
    yield "same level", [_at(first, -23), _at(second, -23)]
    yield "second 22 dB quieter", [_at(first, -23), _at(second, -45)]
    yield "first 22 dB quieter", [_at(first, -45), _at(second, -23)]
    yield "second 32 dB quieter", [_at(first, -23), _at(second, -55)]
    quiet = _at(second, -45)
    time = np.arange(4 * RATE) / RATE
    ring = 0.45 * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 480 * time))
    yield "a beep of 0.5 s before", [(ring[: RATE // 2], ""), quiet]
    yield "a telephone rings for 2 s before", [(ring[: 2 * RATE], ""), quiet]
    tones = [220 * 2 ** (step / 12) * harmonic for step in (0, 4, 7) for harmonic in (1, 2, 3, 4)]
    chord = sum(np.sin(2 * np.pi * tone * time + 1) for tone in tones)
    music = 0.8 * chord / np.abs(chord).max() * (0.3 + 0.7 * np.exp(-4 * (time % 0.5)))
    yield "music for 4 s before", [(music, ""), quiet]
    silence = np.zeros(3 * RATE)
    yield "3 s of digital silence before and after", [(silence, ""), quiet, (silence, "")]


def _at(spoken: Spoken, decibels: float) -> Spoken:
    samples, text = spoken
    scale = 10 ** (decibels / 20) / np.sqrt(np.square(samples).mean())
    return (samples * scale).clip(-1, 1).astype(np.float32), text


def _joined(parts: list[NDArray[Any]]) -> NDArray[np.float32]:
    noise = np.random.default_rng(0).normal(0, 10 ** (-75 / 20), round(0.4 * RATE))
    pieces = [piece for part in parts for piece in (part, noise)][:-1]
    return np.concatenate(pieces).astype(np.float32)


if __name__ == "__main__":
    main()
