"""Size of the acoustic model against WER: sizes.py CALIBRATION TEST -o PNG.

    python scripts/pocket/sizes.py librispeech/train.jsonl librispeech/valid.jsonl -o sizes.png

Kernels in 8 bits and in 4 bits are what export writes with --quantize int8 and int4. Kernels of low
rank, which it does not write: the four kernels of a direction that multiply the same vector, as one
matrix (width, 4 * num_units), are replaced by two factors of a lower rank, without any training: by
the singular value decomposition, which keeps the weights as near as possible, or by that of the
matrix times the root of the covariance of its inputs, which keeps the products as near as possible
on CALIBRATION. The components that are dropped are those that matter least for each byte. Factors
are rounded to 8 bits. WER is that of the best path on TEST, computed with Keras in float32. Points
in the JSON beside PNG are not measured again.
"""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import click
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from speechlstm.audio import Audio
from speechlstm.bundle import find_bundle
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.storage import write_atomically
from speechlstm.text.normalize import normalize
from speechlstm.tflite import four_bits
from speechlstm.training.acoustic.recordings import read_recordings
from speechlstm.training.acoustic.rounding import (
    Kernel,
    batches,
    measured_kernels,
    read_calibration,
    rounded_to_four_bits,
)
from speechlstm.training.acoustic.trained import TrainedModel, trained_model

SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # of the bytes of all kernels
METHODS = ("weights", "products")  # what low-rank kernels keep as near as possible
FOUR_BITS = ("four bits", "four bits, calibrated")
_GATES = 4
_SCALE_BYTES = 12  # of a row in 4 bits: its scale and its zero point

Matrix = NDArray[np.float64]
Factors = tuple[Matrix, NDArray[np.float64], Matrix]


def decompose(kernel: Kernel, method: str) -> Factors:
    """Two factors of a kernel and the weight of each component, the largest first."""
    root, inverse = np.eye(len(kernel.values)), np.eye(len(kernel.values))
    if method == "products":
        scales, vectors = np.linalg.eigh(kernel.covariance)
        scales = np.sqrt(np.maximum(scales, 1e-6 * scales.max()))
        root, inverse = (vectors * scales) @ vectors.T, (vectors / scales) @ vectors.T
    left, singular, right = np.linalg.svd(root @ kernel.values, full_matrices=False)
    return inverse @ (left * np.sqrt(singular)), singular, np.sqrt(singular)[:, None] * right


def bytes_of_rank(kernel: Kernel) -> int:
    """Bytes of a component."""
    return sum(kernel.values.shape)


def rounded(values: Matrix, num_parts: int) -> Matrix:
    """Values rounded to 8 bits, with a scale for each part of the columns."""
    parts = np.split(values, num_parts, axis=1)
    scales = [max(float(np.abs(part).max()), 1e-12) / 127 for part in parts]
    return np.concatenate([s * np.round(p / s) for s, p in zip(scales, parts, strict=True)], 1)


def ranks(
    spectra: Sequence[NDArray[np.float64]], kernels: Sequence[Kernel], share: float
) -> list[int]:
    """The rank of each kernel with which all take a share of their bytes; -1: as it is."""
    full = [kernel.values.size for kernel in kernels]
    kept = [len(spectrum) for spectrum in spectra]
    gains = [
        (float(s) ** 2 / bytes_of_rank(kernel), index)
        for index, (kernel, spectrum) in enumerate(zip(kernels, spectra, strict=True))
        for s in spectrum
    ]

    def num_bytes(index: int) -> int:
        return min(full[index], kept[index] * bytes_of_rank(kernels[index]))

    total, budget = sum(full), share * sum(full)
    for _, index in sorted(gains):
        if total <= budget:
            break
        before = num_bytes(index)
        kept[index] -= 1
        total += num_bytes(index) - before
    return [k if k * bytes_of_rank(kernels[i]) < full[i] else -1 for i, k in enumerate(kept)]


def compress(kernels: Sequence[Kernel], factors: Sequence[Factors], share: float) -> int:
    """Assign low-rank kernels to the model; returns their bytes."""
    num_bytes = 0
    chosen = ranks([singular for _, singular, _ in factors], kernels, share)
    for kernel, (left, _, right), rank in zip(kernels, factors, chosen, strict=True):
        if rank < 0:
            kernel.weight.assign(rounded(kernel.values, _GATES))
            num_bytes += kernel.values.size
        else:
            product = rounded(left[:, :rank], 1) @ rounded(right[:rank], _GATES)
            kernel.weight.assign(product)
            num_bytes += rank * bytes_of_rank(kernel)
    return num_bytes


def store_in_four_bits(kernels: Sequence[Kernel], method: str) -> int:
    """Assign kernels rounded to 4 bits to the model; returns their bytes."""
    for kernel in kernels:
        if method == FOUR_BITS[1]:
            kernel.weight.assign(rounded_to_four_bits(kernel.values, kernel.covariance))
        else:
            scales = four_bits.row_scales(kernel.values.T).T
            kernel.weight.assign(four_bits.rounded(kernel.values, scales) * scales)
    return sum(k.values.size // 2 + _SCALE_BYTES * k.values.shape[1] for k in kernels)


def errors_of(source: TrainedModel, recordings: Sequence[tuple[Audio, str]]) -> ErrorCounts:
    """The word errors of the best path."""
    errors, model = ErrorCounts(), source.network
    ordered = sorted(recordings, key=lambda recording: len(recording[0].samples))
    texts = iter([text for _, text in ordered])
    seconds = model.features.hop_ms * model.config.frame_stack / 1000
    for samples, num_samples in batches([audio for audio, _ in ordered]):
        logits, num_steps = model({"samples": samples, "num_samples": num_samples})
        log_probs = np.asarray(model.log_probs(logits))[..., : source.alphabet.num_labels]
        for frames, length in zip(log_probs, np.asarray(num_steps), strict=True):
            text = greedy_decode(frames[:length], source.alphabet, seconds).text
            errors += word_errors(normalize(next(texts)), normalize(text))
    return errors


@click.command(help=__doc__)
@click.argument("calibration", type=click.Path(path_type=Path))
@click.argument("test", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="PNG file.")
@click.option("--bundle", default="english", show_default=True)
@click.option("--max-utterances", type=int, default=253, show_default=True, help="Of TEST.")
def main(calibration: Path, test: Path, output: Path, bundle: str, max_utterances: int) -> None:
    """Measure all sizes, print a line for each, and plot them."""
    path = find_bundle(bundle)
    source = trained_model(path)
    rate = source.settings.features.sample_rate
    recordings = read_recordings([test], rate, max_utterances)
    kernels = measured_kernels(source.network, read_calibration([calibration], rate))
    others = (path / "model.tflite").stat().st_size - sum(kernel.values.size for kernel in kernels)
    known = output.with_suffix(".json")
    points: list[dict[str, Any]] = json.loads(known.read_text()) if known.exists() else []
    factors = {method: [decompose(kernel, method) for kernel in kernels] for method in METHODS}
    wanted = [(METHODS[0], 1.0), *((method, 0.5) for method in FOUR_BITS)]
    wanted += [(method, share) for method in METHODS for share in SHARES[1:]]
    for method, share in wanted:
        if any((p["method"], p["share"]) == (method, share) for p in points):
            continue
        if method in FOUR_BITS:
            num_bytes = store_in_four_bits(kernels, method)
        else:
            num_bytes = compress(kernels, factors[method], share)
        size, errors = (num_bytes + others) / 1e6, errors_of(source, recordings)
        points.append({"method": method, "share": share, "mb": size, "wer": errors.rate})
        print(json.dumps(points[-1]), flush=True)
        write_atomically(known, json.dumps(points, indent=1) + "\n")
    image = BytesIO()
    draw(points).savefig(image, format="png", dpi=100)
    write_atomically(output, image.getvalue())


def draw(points: Sequence[dict[str, Any]]) -> Figure:
    """Plot WER against size, a line for each kind of low rank, points for four bits."""
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for method in METHODS:
        chosen = [p for p in points if p["method"] == method or p["share"] == 1.0]
        chosen.sort(key=lambda point: float(point["mb"]))
        sizes, rates = ([float(p[key]) for p in chosen] for key in ("mb", "wer"))
        axes.plot(sizes, [100 * rate for rate in rates], "o-", label=f"low rank: nearest {method}")
    for method, marker in zip(FOUR_BITS, "Ds", strict=True):
        four = next(p for p in points if p["method"] == method)
        axes.plot(four["mb"], 100 * float(four["wer"]), marker, label=method)
    base = 100 * float(points[0]["wer"])
    axes.axhline(1.03 * base, color="0.6", linewidth=0.8)
    left = axes.get_xlim()[0]
    axes.annotate("  3 % (relative) worse", (left, 1.03 * base), ha="left", va="bottom")
    axes.set(xlabel="Acoustic model, MB", ylabel="WER of the best path, %")
    axes.legend()
    return figure


if __name__ == "__main__":
    main()
