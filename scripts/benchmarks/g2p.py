"""How well words are pronounced that the pronouncer never saw.

    python scripts/benchmarks/g2p.py cmudict.dict

A share of the dictionary's words, drawn by a seed, is held out; the pronouncer learns from the
others, as `speechlstm lexicon` lets it learn from all. Each word held out counts against that of
its listed pronunciations which is nearest to the one given. Takes twelve minutes of one
core.
"""

import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from speechlstm.evaluation.metrics import ErrorCounts, bootstrap_interval, word_errors
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import LETTERS, Lexicon, Phones
from speechlstm.training.g2p.export import write_g2p
from speechlstm.training.g2p.trainer import train_g2p


def split(dictionary: Lexicon, share: float, seed: int) -> tuple[Lexicon, Lexicon]:
    """What to learn from and what to hold out; words with other characters are in neither."""
    words = [word for word in dictionary.entries if set(word) <= set(LETTERS.symbols)]
    np.random.default_rng(seed).shuffle(words)
    num_held_out = round(share * len(words))
    held_out, known = (
        Lexicon({word: dictionary.entries[word] for word in part})
        for part in (words[:num_held_out], words[num_held_out:])
    )
    return known, held_out


def phone_errors(listed: tuple[Phones, ...], spoken: Phones) -> ErrorCounts:
    """Errors against the nearest of a word's listed pronunciations."""
    counts = (word_errors(" ".join(way), " ".join(spoken)) for way in listed)
    return min(counts, key=lambda count: count.rate)


@click.command(epilog="Example: python scripts/benchmarks/g2p.py cmudict.dict")
@click.argument("dictionary_path", metavar="DICTIONARY", type=click.Path(path_type=Path))
@click.option("--held-out", default=0.05, show_default=True, help="Share of the words.")
@click.option("--epochs", default=8, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Of the split and of the training.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Keep the pronouncer.")
def main(
    dictionary_path: Path, held_out: float, epochs: int, seed: int, output: Path | None
) -> None:
    """Trains on most words of DICTIONARY and prints the error rates on the others."""
    known, unseen = split(Lexicon.read(dictionary_path), held_out, seed)
    started = time.perf_counter()
    network = train_g2p(known, seed, epochs, progress=sys.stderr.isatty())
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        path = output or Path(folder) / "pronouncer.tflite"
        write_g2p(path, network)
        spoken = list(map(G2PModel(path).pronounce, unseen.entries))
    phones = [phone_errors(*pair) for pair in zip(unseen.entries.values(), spoken, strict=True)]
    words = [ErrorCounts(hits=not p.num_errors, substitutions=p.num_errors > 0) for p in phones]
    click.echo(f"{len(known.entries)} words learnt in {seconds:.0f} s, {len(words)} held out")
    for name, counts in (("phone error rate", phones), ("words wrong", words)):
        low, high = bootstrap_interval(counts)
        rate = sum(counts, ErrorCounts()).rate
        click.echo(f"{name:16}  {rate:.1%}  (95 % interval {low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()
