"""How much context the outputs of a bidirectional network need: the basis of live recognition.

    python scripts/benchmarks/stream_context.py LIST.jsonl [LIST.jsonl ...]

Runs the network on the beginning of recordings, and on their end, and compares the most probable
label of each frame with that of the whole recording: the share of frames in which it differs, by
the distance of the frame from the cut. Differences far from the cut come from the normalisation of
the features, whose mean and variance are those of what the network is given.
"""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from speechlstm import Audio
from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.bundle import find_bundle, read_bundle
from speechlstm.corpora.manifest import Manifest

_EDGES = (0, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 10, 15)  # seconds


@click.command(help=__doc__)
@click.argument("lists", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--bundle", type=click.Path(path_type=Path), help="By default that of the package.")
@click.option("--number", default=20, show_default=True, help="Of recordings.")
@click.option("--least", default=15.0, show_default=True, help="Their least duration in seconds.")
def main(lists: tuple[Path, ...], bundle: Path | None, number: int, least: float) -> None:
    """Measure and print the shares."""
    model = LiteRTAcousticModel(read_bundle(find_bundle(bundle)))
    found = [
        manifest.recording(utterance)
        for manifest in map(Manifest, lists)
        for utterance in manifest
        if utterance.duration >= least
    ][:number]
    audios = [Audio.load(path, model.sample_rate) for path in found]
    wholes = [labels(model, audio.samples) for audio in audios]
    hop = round(model.frame_seconds * model.sample_rate)
    for seconds in (3, 6, 10):
        num_frames = round(seconds / model.frame_seconds)
        beginnings, ends = [], []
        for audio, whole in zip(audios, wholes, strict=True):
            first = labels(model, audio.samples[: num_frames * hop])[:num_frames]
            beginnings.append((first != whole[:num_frames])[::-1])
            start = len(whole) - num_frames
            last = labels(model, audio.samples[start * hop :])
            ends.append(last[:num_frames] != whole[start : start + len(last)][:num_frames])
        show(f"first {seconds} s, by seconds before the cut", beginnings, model.frame_seconds)
        show(f"last {seconds} s, by seconds after the cut", ends, model.frame_seconds)


def labels(model: LiteRTAcousticModel, samples: NDArray[np.float32]) -> NDArray[np.intp]:
    """The most probable character of each frame."""
    best: NDArray[np.intp] = model.log_probs(Audio(samples, model.sample_rate)).argmax(axis=1)
    return best


def show(what: str, differences: list[NDArray[np.bool_]], frame_seconds: float) -> None:
    """Print the share of differences by the distance from the cut."""
    by_distance = defaultdict(list)
    for differs in differences:
        distances = frame_seconds * np.arange(len(differs))
        for low, high in pairwise(_EDGES):
            by_distance[low].extend(differs[(distances >= low) & (distances < high)].tolist())
    click.echo(what)
    for low, high in pairwise(_EDGES):
        if by_distance[low]:
            click.echo(f"  {low:>5} to {high:<5} {100 * np.mean(by_distance[low]):5.1f} %")


if __name__ == "__main__":
    main()
