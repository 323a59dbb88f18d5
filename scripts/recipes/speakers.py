"""Recipe: the network of the package that tells speakers apart (transcribe --speakers).

    python scripts/recipes/speakers.py CORPORA WORK -o speechlstm/assets/speakers/model.tflite

CORPORA is the same folder as for scripts/recipes/english.py; lists and statistics are kept in WORK.

A window of speech becomes statistics of its MFCC without c0 over the louder frames: their means,
the logarithms of their standard deviations and of those of their differences; and how far they are
from each of the Gaussians of a mixture that is fitted to all speakers (the statistics of Dehak et
al., "Front-end factor analysis for speaker verification", 2011, without the factor analysis). Their
principal components are projected by linear discriminant analysis over pieces of 2 s of the
training speakers to where speakers differ and speech of one speaker does not. All of it is one
.tflite file: a waveform goes in, the embedding comes out, and for each of its dimensions the
variance between speakers (within them it is 1). Speakers of validation lists are never used.
"""

import io
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import keras
import numpy as np
import tensorflow as tf
from english import make_lists
from keras import ops
from numpy.typing import NDArray

from speechlstm import __version__
from speechlstm.audio import Piece, read_audio
from speechlstm.config import FeatureConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DataError, SpeechLSTMError
from speechlstm.storage import write_atomically
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import embed_metadata
from speechlstm.tflite.tensor import TensorSpec
from speechlstm.training.layers.mfcc import MFCC
from speechlstm.training.tflite.convert import convert
from speechlstm.training.tflite.edit import quantize, without_names

WHOLE = ("librispeech", "librispeech-more", "common-voice", "common-voice-more", "cmu-arctic",
         "kathleen", "lj-prompts", "ljspeech-part", "speechocean762")  # fmt: skip
SPLIT = ("an4", "speech-commands", "fsdd")
FEATURES = FeatureConfig(num_mfcc=30, normalize="none")
PIECE_SECONDS, LEAST_SECONDS = 2.2, 0.5
PIECES_OF_UTTERANCE, SECONDS_OF_SPEAKER, LEAST_OF_SPEAKER = 4, 40.0, 3.0
NUM_GAUSSIANS, NUM_ROUNDS, NUM_FRAMES = 64, 12, 150_000  # frames that the mixture is fitted to
LEAST_VARIANCE = 0.01  # of a Gaussian, of that of all frames
RELEVANCE = 6.0  # frames that count for the mean of each Gaussian, beside those of the window
NUM_COMPONENTS, SIZE = 200, 100  # of the statistics that are kept, of the embedding
MOMENTS_WEIGHT = 0.1  # of means and deviations, each of variance 1, beside the Gaussians
SHRINKAGE = 0.01  # of the covariance within speakers, towards a multiple of the identity
SEED = 1
QUIET = 0.5  # standard deviations of c0 below its mean; quieter frames do not count

DESCRIPTION = {"writer": f"speechlstm {__version__}", "features": FEATURES.to_dict()}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussians:
    """A mixture of Gaussians with diagonal covariances.

    Attributes:
        weights: (num_gaussians,), which sum to 1.
        means: (num_gaussians, size).
        deviations: Standard deviations (num_gaussians, size).
    """

    weights: NDArray[np.float32]
    means: NDArray[np.float32]
    deviations: NDArray[np.float32]

    def log_likelihoods(self, x: Any) -> Any:
        """Of frames (num_frames, size), up to a constant of each: (num_frames, num_gaussians)."""
        precisions = 1 / np.square(self.deviations)
        constant = np.log(self.weights) - np.log(self.deviations).sum(axis=1)
        constant = constant - (precisions * np.square(self.means)).sum(axis=1) / 2
        squares = ops.matmul(ops.square(x), precisions.T / -2)
        return squares + ops.matmul(x, (precisions * self.means).T) + constant


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("work", type=click.Path(path_type=Path, file_okay=False))
@click.option("-o", "output", type=click.Path(path_type=Path), required=True)
def main(corpora: Path, work: Path, output: Path) -> None:
    """Make the network."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        train, _ = make_lists(corpora, work, WHOLE, SPLIT, ())
        network, kept = work / "frames.tflite", work / "frames.npz"
        if not kept.exists():
            write_atomically(
                network, converted(lambda samples, mfcc: {"frames": frames_of(samples, mfcc)})
            )
            pieces_of_all, speakers = all_frames(train, network)
            arrays = io.BytesIO()
            np.savez(
                arrays,
                frames=np.concatenate(pieces_of_all),
                ends=np.cumsum([len(piece) for piece in pieces_of_all]),
                speakers=np.array(speakers),
            )
            write_atomically(kept, arrays.getvalue())
        with np.load(kept) as loaded:
            frames, ends = loaded["frames"].astype(np.float32), loaded["ends"]
            speakers = loaded["speakers"].tolist()
        click.echo(f"{len(ends)} pieces of {len(set(speakers))} speakers")
        mixture = gaussians(frames)
        values = np.array(
            [statistics(piece, mixture)[0] for piece in np.split(frames, ends[:-1])], np.float64
        )
        matrix, offset, variances = discriminants(values, speakers)

        def embedding(samples: Any, mfcc: MFCC) -> dict[str, Any]:
            found = statistics(frames_of(samples, mfcc), mixture)
            projected = ops.matmul(found, matrix) + offset
            # An output that is a constant would get no tensor of its own.
            return {"embedding": projected, "variances": 0 * projected + variances}

        output.parent.mkdir(parents=True, exist_ok=True)
        tflite = quantize(converted(embedding), "float16", all_kernels=True)
        write_atomically(output, embed_metadata(without_names(tflite), DESCRIPTION))
        click.echo(f"{output}: {output.stat().st_size} bytes")
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")


def frames_of(samples: Any, mfcc: MFCC) -> Any:
    """The MFCC (num_frames, num_mfcc) of a waveform (1, num_samples)."""
    return mfcc(samples, tf.shape(samples)[1:])[0][0]


def statistics(frames: Any, mixture: Gaussians) -> Any:
    """The statistics (1, num_statistics) of MFCC (num_frames, num_mfcc)."""
    loudness, x = frames[:, :1], frames[:, 1:]
    is_loud = ops.cast(loudness >= ops.mean(loudness) - QUIET * ops.std(loudness), "float32")
    counts = is_loud / ops.sum(is_loud)
    mean = ops.sum(counts * x, axis=0)
    variance = ops.sum(counts * ops.square(x - mean), axis=0)
    changes = ops.std(x[2:] - x[:-2], axis=0)
    moments = [mean, ops.log(ops.sqrt(variance) + 1), ops.log(changes + 1)]
    shares = ops.transpose(ops.softmax(mixture.log_likelihoods(x)) * is_loud)
    num_frames = ops.sum(shares, axis=1, keepdims=True)
    distances = ops.matmul(shares, x) - num_frames * mixture.means
    distances = distances / mixture.deviations / (num_frames + RELEVANCE)
    return ops.concatenate([*moments, ops.reshape(distances, (-1,))])[None]


def converted(function: Any) -> bytes:
    """A .tflite file of a function of a waveform and of the layer that computes its MFCC."""

    def run(samples: Any) -> Any:
        return function(samples, MFCC(FEATURES))

    signature = [tf.TensorSpec((1, None), tf.float32, "samples")]
    graph = tf.function(run, input_signature=signature, autograph=False)
    return convert(graph, keras.Sequential())


def all_frames(
    manifests: Sequence[Path], network: Path
) -> tuple[list[NDArray[np.float16]], list[str]]:
    """The MFCC (num_frames, num_mfcc) of pieces of all speakers, and the speaker of each."""
    model = TFLiteModel(
        network,
        {"samples": TensorSpec("float32", (1, None))},
        {"frames": TensorSpec("float32", (None, FEATURES.num_mfcc))},
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
                    found.append(model.run(samples=samples[None])["frames"].astype(np.float16))
                    seconds += len(samples) / FEATURES.sample_rate
            if seconds >= LEAST_OF_SPEAKER:
                values += found
                speakers += [f"{manifest.path.parent.name}/{manifest.path.stem}/{name}"] * len(
                    found
                )
    return values, speakers


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


def gaussians(frames: NDArray[np.float32]) -> Gaussians:
    """Fit a mixture to some frames by expectation and maximisation."""
    generator = np.random.default_rng(SEED)
    chosen = generator.choice(len(frames), min(NUM_FRAMES, len(frames)), replace=False)
    x = frames[chosen, 1:]
    first = generator.choice(len(x), NUM_GAUSSIANS, replace=False)
    even = np.full(NUM_GAUSSIANS, 1 / NUM_GAUSSIANS, np.float32)
    mixture = Gaussians(even, x[first], np.tile(x.std(axis=0), (NUM_GAUSSIANS, 1)))
    for _ in range(NUM_ROUNDS):
        shares = np.asarray(ops.softmax(mixture.log_likelihoods(x)))
        counts = shares.sum(axis=0)[:, None] + 1e-3
        means = shares.T @ x / counts
        variances = shares.T @ np.square(x) / counts - np.square(means)
        deviations = np.sqrt(np.maximum(variances, LEAST_VARIANCE * x.var(axis=0)))
        mixture = Gaussians(counts[:, 0] / counts.sum(), means, deviations)
    return mixture


def discriminants(
    values: Array, speakers: Sequence[str]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """The matrix (num_statistics, SIZE), the offset and the variances (SIZE,) of the projection."""
    center, scale = values.mean(axis=0), np.ones(values.shape[1])
    num_moments = 3 * (FEATURES.num_mfcc - 1)
    scale[:num_moments] = values[:, :num_moments].std(axis=0) / MOMENTS_WEIGHT
    values = (values - center) / scale
    components = np.linalg.eigh(np.cov(values.T))[1][:, -NUM_COMPONENTS:]
    values = values @ components
    deviations = values.std(axis=0)
    values = values / deviations
    names, index = np.unique(speakers, return_inverse=True)
    means = np.array([values[index == i].mean(axis=0) for i in range(len(names))])
    rest = values - means[index]
    within = rest.T @ rest / (len(values) - len(names))
    within += SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    whiten = np.linalg.cholesky(np.linalg.inv(within))
    variances, directions = np.linalg.eigh(whiten.T @ np.cov(means.T) @ whiten)  # least first
    projection = whiten @ directions[:, ::-1][:, :SIZE] / deviations[:, None]
    matrix = components @ projection / scale[:, None]
    offset, between = -center @ matrix, variances[::-1][:SIZE]
    return matrix.astype(np.float32), offset.astype(np.float32), between.astype(np.float32)


if __name__ == "__main__":
    main()
