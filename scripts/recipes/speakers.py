"""Recipe: the network of the package that tells speakers apart (transcribe --speakers).

    python scripts/recipes/speakers.py CORPORA WORK -o speechlstm/assets/speakers/model.tflite

CORPORA is the same folder as for scripts/recipes/english.py; lists and statistics are kept in WORK.

A window of speech becomes statistics of its MFCC without c0: their means, the logarithms of their
standard deviations and of those of their differences, over the louder frames. Linear discriminant
analysis over pieces of 2 s of the training speakers projects them to where speakers differ and
speech of one speaker does not. All of it is one .tflite file: a waveform goes in, the embedding
comes out. Speakers of validation lists are never used.
"""

import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import tensorflow as tf
from english import make_lists
from keras import ops
from numpy.typing import NDArray

from speechlstm.audio import Piece, read_audio
from speechlstm.config import FeatureConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DataError, SpeechLSTMError
from speechlstm.storage import write_atomically
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.tensor import TensorSpec
from speechlstm.training.layers.mfcc import MFCC
from speechlstm.training.tflite.convert import convert

WHOLE = ("librispeech", "librispeech-more", "common-voice", "common-voice-more", "cmu-arctic",
         "kathleen", "lj-prompts", "ljspeech-part", "speechocean762")  # fmt: skip
SPLIT = ("an4", "speech-commands", "fsdd")
FEATURES = FeatureConfig(num_mfcc=30, normalize="none")
PIECE_SECONDS, LEAST_SECONDS = 2.2, 0.5
PIECES_OF_UTTERANCE, SECONDS_OF_SPEAKER, LEAST_OF_SPEAKER = 4, 40.0, 3.0
SIZE = 48  # of the embedding
SHRINKAGE = 0.01  # of the covariance within speakers, towards a multiple of the identity
SEED = 1
QUIET = 0.5  # standard deviations of c0 below its mean; quieter frames do not count

Array = NDArray[np.float64]


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
@click.option("-o", "output", type=click.Path(path_type=Path), required=True)
def main(corpora: Path, work: Path, output: Path) -> None:
    """Make the network."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        train, _ = make_lists(corpora, work, WHOLE, SPLIT, ())
        network, kept = work / "statistics.tflite", work / "statistics.npz"
        if not kept.exists():
            write_atomically(network, converted(statistics, MFCC(FEATURES)))
            values, speakers = statistics_of(train, network)
            np.savez(kept, values=values, speakers=np.array(speakers))
        with np.load(kept) as loaded:
            values, speakers = loaded["values"], loaded["speakers"].tolist()
        click.echo(f"{len(values)} pieces of {len(set(speakers))} speakers")
        matrix, offset = discriminants(values, speakers)

        def embedding(samples: Any, mfcc: MFCC) -> Any:
            return ops.matmul(statistics(samples, mfcc), matrix) + offset

        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, converted(embedding, MFCC(FEATURES)))
        click.echo(f"{output}: {output.stat().st_size} bytes")
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")


def statistics(samples: Any, mfcc: MFCC) -> Any:
    """The statistics (1, 3 * (num_mfcc - 1)) of a waveform (1, num_samples)."""
    frames = mfcc(samples, tf.shape(samples)[1:])[0][0]
    loudness, x = frames[:, :1], frames[:, 1:]
    counts = ops.cast(loudness >= ops.mean(loudness) - QUIET * ops.std(loudness), "float32")
    counts = counts / ops.sum(counts)
    mean = ops.sum(counts * x, axis=0)
    variance = ops.sum(counts * ops.square(x - mean), axis=0)
    changes = ops.std(x[2:] - x[:-2], axis=0)
    return ops.concatenate([mean, ops.log(ops.sqrt(variance) + 1), ops.log(changes + 1)])[None]


def converted(function: Any, mfcc: MFCC) -> bytes:
    """A .tflite file of a function of a waveform."""

    def run(samples: Any) -> dict[str, Any]:
        return {"embedding": function(samples, mfcc)}

    signature = [tf.TensorSpec((1, None), tf.float32, "samples")]
    graph = tf.function(run, input_signature=signature, autograph=False)
    return convert(graph, keras.Sequential())


def statistics_of(manifests: Sequence[Path], network: Path) -> tuple[Array, list[str]]:
    """The statistics (num_pieces, size) of pieces of all speakers, and the speaker of each."""
    size = 3 * (FEATURES.num_mfcc - 1)
    model = TFLiteModel(
        network,
        {"samples": TensorSpec("float32", (1, None))},
        {"embedding": TensorSpec("float32", (1, size))},
    )
    values, speakers = [], []
    for manifest in map(Manifest, manifests):
        for name, utterances in by_speaker(manifest).items():
            found = []
            seconds = 0.0
            for utterance in utterances:
                if seconds >= SECONDS_OF_SPEAKER:
                    break
                for samples in pieces(manifest.recording(utterance)):
                    found.append(model.run(samples=samples[None])["embedding"][0])
                    seconds += len(samples) / FEATURES.sample_rate
            if seconds >= LEAST_OF_SPEAKER:
                values += found
                speakers += [f"{manifest.path.parent.name}/{manifest.path.stem}/{name}"] * len(
                    found
                )
    return np.array(values, np.float64), speakers


def by_speaker(manifest: Manifest) -> dict[str, list[Utterance]]:
    """The utterances of each speaker, in an order that depends on the seed alone."""
    found: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in manifest:
        found[utterance.speaker or utterance.id].append(utterance)
    for name, utterances in found.items():
        random.Random(f"{SEED} {name}").shuffle(utterances)
    return dict(sorted(found.items()))


def pieces(recording: Path | Piece) -> list[NDArray[np.float32]]:
    """Pieces of a recording, of about PIECE_SECONDS, evenly spaced."""
    try:
        samples = read_audio(recording, FEATURES.sample_rate).samples
    except DataError:
        return []
    number = max(1, round(len(samples) / FEATURES.sample_rate / PIECE_SECONDS))
    cut = [piece for piece in np.array_split(samples, number)
           if len(piece) >= LEAST_SECONDS * FEATURES.sample_rate]  # fmt: skip
    chosen = np.linspace(0, len(cut) - 1, min(len(cut), PIECES_OF_UTTERANCE)).astype(int)
    return [cut[index] for index in chosen]


def discriminants(
    values: Array, speakers: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The matrix (size, SIZE) and the offset (SIZE,) of the projection."""
    center, scale = values.mean(axis=0), values.std(axis=0) + 1e-6
    values = (values - center) / scale
    names, index = np.unique(speakers, return_inverse=True)
    means = np.array([values[index == i].mean(axis=0) for i in range(len(names))])
    rest = values - means[index]
    within = rest.T @ rest / (len(values) - len(names))
    within += SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    whiten = np.linalg.cholesky(np.linalg.inv(within))
    _, directions = np.linalg.eigh(whiten.T @ np.cov(means.T) @ whiten)  # the least variance first
    matrix = whiten @ directions[:, ::-1][:, :SIZE] / scale[:, None]
    return matrix.astype(np.float32), (-center @ matrix).astype(np.float32)


if __name__ == "__main__":
    main()
