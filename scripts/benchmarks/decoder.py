"""The beam search compared with pyctcdecode and flashlight-text: word error rate and speed.

    python scripts/benchmarks/decoder.py MANIFEST --bundle BUNDLE --lm LM.arpa

All decoders get the same log-probabilities, language model, weights and beam width. They run on one
core and take turns; the CPU seconds of the fastest turn of each count. The other decoders run in
environments of their own: Python 3.11, pip install "numpy<2" pyctcdecode kenlm flashlight-text.

MANIFEST may also be an .npz file of --save, which holds the log-probabilities of each utterance.
"""

import gzip
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import read_audio
from speechlstm.bundle import read_bundle
from speechlstm.config import DecodeConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.beam import BeamDecoder
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.text.alphabet import ENGLISH
from speechlstm.text.normalize import normalize

Turn = Callable[[], tuple[float, list[str]]]  # returns CPU seconds and the text of each utterance

INFO = "info"  # the array of an .npz file that holds texts and frame rate, as JSON


@click.command(help=__doc__)
@click.argument("source", metavar="MANIFEST", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--bundle",
    "--model",
    "model",
    type=click.Path(path_type=Path),
    help="Bundle of the acoustic model, which must have the English alphabet.",
)
@click.option("--lm", "lm_path", type=click.Path(path_type=Path, exists=True), required=True)
@click.option(
    "--save", type=click.Path(path_type=Path), help="Write the log-probabilities to an .npz."
)
@click.option("--limit", type=int, help="Largest number of utterances.")
@click.option("--turns", default=3, show_default=True)
@click.option("--beam-width", default=DecodeConfig.beam_width, show_default=True)
@click.option("--lm-weight", default=DecodeConfig.lm_weight, show_default=True)
@click.option("--word-bonus", default=DecodeConfig.word_bonus, show_default=True)
@click.option("--pyctcdecode-python", "pyctcdecode", help="Python with pyctcdecode and kenlm.")
@click.option("--flashlight-python", "flashlight", help="Python with flashlight-text.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    source: Path,
    model: Path | None,
    lm_path: Path,
    save: Path | None,
    limit: int | None,
    turns: int,
    beam_width: int,
    lm_weight: float,
    word_bonus: float,
    pyctcdecode: str | None,
    flashlight: str | None,
    as_json: bool,
) -> None:
    """Measure the decoders and print the figures."""
    if hasattr(os, "sched_setaffinity"):  # the processes of the other decoders inherit it
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    posteriors, info = load(source, model, limit)
    if save:
        arrays: dict[str, Any] = posteriors | {INFO: np.array(json.dumps(info))}
        np.savez_compressed(save, **arrays)
    matrices = list(posteriors.values())
    references = [info["texts"][key] for key in posteriors]
    config = DecodeConfig(beam_width=beam_width, lm_weight=lm_weight, word_bonus=word_bonus)
    lm = NGramModel.load(lm_path)
    with tempfile.TemporaryDirectory() as folder:
        settings = config.to_dict() | {"symbols": ENGLISH.symbols, "words": spellable(lm.words)}
        shared = share(Path(folder), matrices, lm_path, settings)
        contestants = {"speechlstm": ours(config, lm, matrices)}
        for name, python in (("pyctcdecode", pyctcdecode), ("flashlight", flashlight)):
            turn = peer(name, python, shared) if python else None
            if turn:
                contestants[name] = turn
            else:
                click.echo(f"{name}: not measured, since no Python with it was named", err=True)
        results = compete(contestants, turns)
    seconds = sum(map(len, matrices)) * info["frame_seconds"]
    figures = {
        name: {"wer": error_rate(references, texts), "rtf": best / seconds}
        for name, (best, texts) in results.items()
    }
    for name, values in figures.items():
        ratio = values["rtf"] / figures["speechlstm"]["rtf"]
        click.echo(
            f"{name:12} WER {values['wer']:6.1%}  RTF {values['rtf']:.5f}  {ratio:5.2f} x our time"
        )
    if as_json:
        click.echo(json.dumps(figures))


def load(
    source: Path, model: Path | None, limit: int | None
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """The log-probabilities of each utterance, and the texts and the seconds of a frame."""
    if source.suffix == ".npz":
        with np.load(source) as arrays:
            keys = [key for key in arrays.files if key != INFO][:limit]
            return {key: arrays[key] for key in keys}, json.loads(str(arrays[INFO]))
    if model is None:
        raise click.UsageError("a manifest needs --bundle, to compute log-probabilities")
    network = LiteRTAcousticModel(read_bundle(model))
    if network.alphabet != ENGLISH:
        raise click.UsageError(f"{model}: needs a model with the English alphabet")
    posteriors, texts = {}, {}
    manifest = Manifest(source)
    for utterance in islice(manifest, limit):
        audio = read_audio(manifest.recording(utterance), network.sample_rate)
        posteriors[utterance.id] = network.log_probs(audio)
        texts[utterance.id] = normalize(utterance.text or "")
    return posteriors, {"texts": texts, "frame_seconds": network.frame_seconds}


def spellable(words: Sequence[str]) -> list[str]:
    """The words that the alphabet can spell."""
    characters = set(ENGLISH.symbols) - {" "}
    return [word for word in words if set(word) <= characters]


def share(
    folder: Path, matrices: list[NDArray[np.float32]], lm_path: Path, settings: dict[str, Any]
) -> list[str]:
    """Write what the other decoders need into a folder; returns their arguments."""
    arpa = folder / "lm.arpa"
    opener = gzip.open if lm_path.suffix == ".gz" else open
    with opener(lm_path, "rb") as packed, arpa.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    np.savez(folder / "posteriors.npz", *matrices)
    text = json.dumps(settings | {"arpa": str(arpa)})
    (folder / "settings.json").write_text(text, encoding="utf-8")
    return [str(folder / "posteriors.npz"), str(folder / "settings.json")]


def ours(config: DecodeConfig, lm: NGramModel, matrices: list[NDArray[np.float32]]) -> Turn:
    """The decoder of this project, in this process."""

    def turn() -> tuple[float, list[str]]:
        decoder = BeamDecoder(ENGLISH, config, lm)  # a new one, since it caches LM scores
        start = time.process_time()
        texts = [decoder.decode(log_probs)[0].text for log_probs in matrices]
        return time.process_time() - start, texts

    return turn


def peer(name: str, python: str, shared: list[str]) -> Turn | None:
    """Another decoder in a process that has loaded everything; None if it does not run."""
    script = Path(__file__).with_name("decoder_peers.py")
    process = subprocess.Popen(
        [python, str(script), name, *shared],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None or stdout.readline() != "ready\n":
        return None

    def turn() -> tuple[float, list[str]]:
        print(file=stdin, flush=True)
        seconds, texts = json.loads(stdout.readline())
        return seconds, texts

    return turn


def compete(contestants: dict[str, Turn], turns: int) -> dict[str, tuple[float, list[str]]]:
    """The fastest turn of each decoder, with its texts."""
    results: dict[str, list[tuple[float, list[str]]]] = {name: [] for name in contestants}
    for _ in range(turns):
        for name, turn in contestants.items():
            results[name].append(turn())
    return {name: min(all_turns) for name, all_turns in results.items()}


def error_rate(references: list[str], texts: list[str]) -> float:
    """The word error rate."""
    pairs = zip(references, texts, strict=True)
    return sum((word_errors(*pair) for pair in pairs), ErrorCounts()).rate


if __name__ == "__main__":
    main()
