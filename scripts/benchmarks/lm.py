"""Build time, size and query time of an n-gram model, compared with KenLM if that is installed.

    python scripts/benchmarks/lm.py TEXT [--held-out TEXT] [--order 3] [--prune "0 1 2"] [--json]

Builds a model from TEXT by `speechlstm lm build`, in a process of its own, plain and quantized, and
by lmplz, if that is on the PATH. Then queries words of TEXT after contexts of TEXT, also by KenLM's
Python package. Times are CPU seconds, since the machine may be busy.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from processes import measure

from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.perplexity import measure_perplexity
from speechlstm.lm.text import read_sentences

NUM_SENTENCES = 2000  # with a query for each
_PATH = click.Path(exists=True, path_type=Path)


@click.command(help=__doc__)
@click.argument("text", type=_PATH)
@click.option("--held-out", type=_PATH, help="Text to measure the perplexity of.")
@click.option("--order", default=3, show_default=True)
@click.option("--prune", default="0 1 2", show_default=True)
@click.option("--vocabulary", metavar="N|FILE", help="As in `speechlstm lm build`.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    text: Path, held_out: Path | None, order: int, prune: str, vocabulary: str | None, as_json: bool
) -> None:
    """Measure the models and print the figures."""
    figures: dict[str, dict[str, float]] = {}
    options = ["--order", str(order), "--prune", prune]
    options += ["--vocabulary", vocabulary] if vocabulary else []
    build = [sys.executable, "-m", "speechlstm", "lm", "build", str(text), *options]
    with tempfile.TemporaryDirectory() as folder:
        arpa = Path(folder) / "lm.arpa"
        for name, option in (("plain", []), ("quantized", ["--quantize"])):
            path = Path(folder) / f"{name}.lm"
            figures[name] = measure_process([*build, "-o", str(path), *option])
            figures[name] |= measure_model(path, text, held_out)
        if shutil.which("lmplz"):
            figures["lmplz"] = measure_lmplz(text, order, prune, Path(folder))
        if find_spec("kenlm"):
            measure_process([*build, "-o", str(arpa)])
            figures["kenlm"] = measure_kenlm(arpa, text)
    for name, found in figures.items():
        click.echo(f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in found.items()))
    if as_json:
        click.echo(json.dumps(figures))


def measure_process(command: list[str]) -> dict[str, float]:
    """CPU seconds and peak resident megabytes of a command that must succeed."""
    usage = measure(command, quiet=True)
    return {"build_cpu_seconds": usage.cpu_seconds, "build_megabytes": usage.megabytes}


def measure_model(path: Path, text: Path, held_out: Path | None) -> dict[str, float]:
    """Size, time to open, query times and, with a held-out text, perplexity of a packed model."""
    model = NGramModel.open(path)
    figures = {
        "megabytes": path.stat().st_size / 1e6,
        "open_ms": 1e3 * least_seconds(lambda: NGramModel.open(path)),
    }
    pairs = [state_and_word(model, query) for query in queries(text)]
    states, words = (np.array(column) for column in zip(*pairs, strict=True))
    for size in (1, 50, 200):
        starts = range(0, len(words) - size + 1, size)
        batches = [(states[i : i + size], words[i : i + size]) for i in starts]
        seconds = least_seconds(partial(advance_all, model, batches))
        figures[f"advance_{size}_us"] = 1e6 * seconds / len(batches)
    if held_out:
        figures["perplexity"] = measure_perplexity(model, read_sentences(held_out)).perplexity
    return figures


def advance_all(
    model: NGramModel, batches: list[tuple[NDArray[np.int64], NDArray[np.int32]]]
) -> None:
    """Query all batches of states and words."""
    for states, words in batches:
        model.advance(states, words)


def measure_lmplz(text: Path, order: int, prune: str, folder: Path) -> dict[str, float]:
    """Build a model of the same text, already normalised, by KenLM's lmplz."""
    plain = folder / "plain.txt"
    with plain.open("w", encoding="utf-8") as file:
        file.writelines(f"{sentence}\n" for sentence in read_sentences(text))
    command = ["lmplz", "-o", str(order), "--prune", *prune.split(), "-S", "2G"]
    return measure_process([*command, "--text", str(plain), "--arpa", str(folder / "lmplz.arpa")])


def measure_kenlm(arpa: Path, text: Path) -> dict[str, float]:
    """Query times of KenLM, which takes one word at a time."""
    kenlm: Any = import_module("kenlm")
    model = kenlm.Model(str(arpa))
    pairs = []
    for context, word in queries(text):
        state, after = kenlm.State(), kenlm.State()
        model.BeginSentenceWrite(state)
        for previous in context:
            model.BaseScore(state, previous, after)
            state, after = after, kenlm.State()
        pairs.append((state, word))
    out = kenlm.State()
    seconds = least_seconds(lambda: [model.BaseScore(state, word, out) for state, word in pairs])
    return {"score_1_us": 1e6 * seconds / len(pairs)}


def queries(text: Path) -> list[tuple[list[str], str]]:
    """Contexts, up to 11 words at the beginning of a sentence, each with a word to score.

    Half of the words are those that follow, half are random ones: a decoder, too, queries many
    words that do not fit the context.
    """
    generator = np.random.default_rng(1)
    sentences = [s.split(" ") for s in islice(read_sentences(text), NUM_SENTENCES)]
    positions = [int(generator.integers(min(len(words), 12))) for words in sentences]
    following = [words[position] for words, position in zip(sentences, positions, strict=True)]
    others = generator.permutation(following)
    return [
        (words[:position], str(generator.choice([word, other])))
        for words, position, word, other in zip(
            sentences, positions, following, others, strict=True
        )
    ]


def state_and_word(model: NGramModel, query: tuple[list[str], str]) -> tuple[int, np.int32]:
    """The state and the word id of a query."""
    context, word = query
    state = np.array([model.start_state])
    for previous in context:
        state, _ = model.advance(state, np.array([model.word_id(previous)], np.int32))
    return int(state[0]), np.int32(model.word_id(word))


def least_seconds(run: Callable[[], object], repeats: int = 7) -> float:
    """CPU seconds of the fastest of several runs."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
