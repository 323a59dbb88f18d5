"""Phone and word error rates of g2p on words that it was not trained on.

    python scripts/benchmarks/g2p.py cmudict.dict

Holds out a random fraction of the words of a dictionary, and trains g2p on the others, as
`speechlstm lexicon` does on all of them. Of several pronunciations of a held-out word, the one with
the fewest errors is the reference. Takes twelve minutes on one core.
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
from speechlstm.training.g2p.network import train_g2p


def split(lexicon: Lexicon, share: float, seed: int) -> tuple[Lexicon, Lexicon]:
    """Split a lexicon into training and test words; words with other characters are in neither."""
    words = [word for word in lexicon.entries if set(word) <= set(LETTERS.symbols)]
    np.random.default_rng(seed).shuffle(words)
    num_held_out = round(share * len(words))
    held_out, known = (
        Lexicon({word: lexicon.entries[word] for word in chosen})
        for chosen in (words[:num_held_out], words[num_held_out:])
    )
    return known, held_out


def phone_errors(references: tuple[Phones, ...], hypothesis: Phones) -> ErrorCounts:
    """Count the phone errors against the reference with the lowest error rate."""
    counts = (word_errors(" ".join(phones), " ".join(hypothesis)) for phones in references)
    return min(counts, key=lambda count: count.rate)


@click.command(epilog="Example: python scripts/benchmarks/g2p.py cmudict.dict")
@click.argument("dictionary_path", metavar="DICTIONARY", type=click.Path(path_type=Path))
@click.option("--held-out", default=0.05, show_default=True, help="Fraction of the words.")
@click.option("--epochs", default=8, show_default=True)
@click.option("--seed", default=1, show_default=True, help="Seed of split and training.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the network here.")
def main(
    dictionary_path: Path, held_out: float, epochs: int, seed: int, output: Path | None
) -> None:
    """Train g2p on most words of DICTIONARY and print its error rates on the others."""
    known, unseen = split(Lexicon.read(dictionary_path), held_out, seed)
    started = time.perf_counter()
    network = train_g2p(known, seed, epochs, progress=sys.stderr.isatty())
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        path = output or Path(folder) / "pronouncer.tflite"
        write_g2p(path, network)
        hypotheses = list(map(G2PModel(path).pronounce, unseen.entries))
    pairs = zip(unseen.entries.values(), hypotheses, strict=True)
    phones = [phone_errors(*pair) for pair in pairs]
    words = [ErrorCounts(hits=not p.num_errors, substitutions=p.num_errors > 0) for p in phones]
    click.echo(f"{len(known.entries)} training words, {seconds:.0f} s; {len(words)} held out")
    for name, counts in (("phone error rate", phones), ("word error rate", words)):
        low, high = bootstrap_interval(counts)
        rate = sum(counts, ErrorCounts()).rate
        click.echo(f"{name:16}  {rate:.1%}  (95 % interval {low:.1%} to {high:.1%})")


if __name__ == "__main__":
    main()
