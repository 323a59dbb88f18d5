"""Compares a portable bundle in LiteRT.js under Node with Python, and measures it.

    speechlstm export english --target everywhere -o pocket
    python scripts/pocket/measure_web.py pocket [LIST.jsonl ...] [--number 50]

Without lists, the recordings are data/samples. Times are processor time. The JavaScript decoder is
the one that the bundle's settings for a fast search ask for, as Recognizer.load(fast=True).
"""

import gzip
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import soundfile

from speechlstm import Audio, Recognizer
from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.bundle import PORTABLE_MODEL, read_bundle
from speechlstm.corpora.manifest import Manifest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "scripts" / "pocket" / "web"
WASM = WEB / "node_modules" / "@litertjs" / "core" / "wasm"


@click.command(help=__doc__)
@click.argument("bundle", type=click.Path(path_type=Path, exists=True))
@click.argument("manifests", nargs=-1, type=click.Path(path_type=Path, exists=True))
@click.option("--number", default=50, show_default=True, help="Utterances of all lists together.")
def main(bundle: Path, manifests: tuple[Path, ...], number: int) -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        files = list(_recordings(manifests, number, Path(folder)))
        difference = _largest_difference(bundle, files, Path(folder))
        command = ["node", str(WEB / "transcribe.js"), "--json", "--bundle", str(bundle)]
        printed = subprocess.check_output([*command, *map(str, files)], text=True)
        rows = [json.loads(line) for line in printed.splitlines()]
        recognizer = Recognizer.load(bundle, fast=True)
        texts = [recognizer.transcribe_file(file).text for file in files]
    click.echo(f"largest difference  {difference:.2g}")
    equal = sum(row["text"] == text for row, text in zip(rows, texts, strict=True))
    click.echo(f"text equal          {equal} of {len(rows)}")
    for name, key in (("compiled, network", "first"), ("network", "network"), ("beam", "decoder")):
        click.echo(f"RTF {name:<15} {_rtf(rows, key):.3f}")
    click.echo(f"peak memory         {max(row['megabytes'] for row in rows):.0f} MB")
    for name, paths in _downloads(bundle).items():
        sizes = [(path.stat().st_size, len(gzip.compress(path.read_bytes()))) for path in paths]
        raw, packed = (sum(column) / 1e6 for column in zip(*sizes, strict=True))
        click.echo(f"{name:<19} {raw:.2f} MB, gzip {packed:.2f} MB")


def _recordings(manifests: Sequence[Path], number: int, folder: Path) -> Iterator[Path]:
    """Recordings as WAV files of 16 kHz, as transcribe.js reads them."""
    if not manifests:
        yield from sorted((ROOT / "data" / "samples").glob("*.wav"))
        return
    share = number // len(manifests)
    for path in manifests:
        manifest = Manifest(path)
        utterances = list(manifest)
        for utterance in utterances[:: max(1, len(utterances) // share)][:share]:
            audio = Audio.load(manifest.recording(utterance)).resampled(16000)
            file = folder / f"{utterance.id.replace('/', '_')}.wav"
            soundfile.write(file, audio.samples, 16000, subtype="PCM_16")
            yield file


def _largest_difference(bundle: Path, files: Sequence[Path], folder: Path) -> float:
    """Of a log-probability in LiteRT.js from the one in Python."""
    outputs = [folder / f"{number}.f32" for number in range(len(files))]
    names = [str(path) for pair in zip(files, outputs, strict=True) for path in pair]
    command = ["node", str(WEB / "test" / "outputs.js"), str(bundle), PORTABLE_MODEL]
    subprocess.run([*command, *names], check=True, stderr=subprocess.DEVNULL)
    model = LiteRTAcousticModel(read_bundle(bundle / PORTABLE_MODEL))  # the same file
    largest = 0.0
    for file, output in zip(files, outputs, strict=True):
        right = model.outputs(Audio.load(file))
        found = np.fromfile(output, "<f4").reshape(right.shape)
        largest = max(largest, float(np.abs(found - right).max()))
    return largest


def _rtf(rows: Sequence[dict[str, Any]], key: str) -> float:
    return float(sum(row[key] for row in rows) / sum(row["duration"] for row in rows))


def _downloads(bundle: Path) -> dict[str, list[Path]]:
    """The files that a page loads, by kind."""
    core = WASM.parent / "dist" / "index.js"
    return {
        "model": [bundle / PORTABLE_MODEL],
        "words": [bundle / "lm.ngram", bundle / "lexicon.tree"],
        "LiteRT.js": [WASM / f"litert_wasm_internal.{kind}" for kind in ("js", "wasm")] + [core],
        "speechlstm.js": [WEB / "speechlstm.js", *sorted((WEB / "src").glob("*.js"))],
    }


if __name__ == "__main__":
    main()
