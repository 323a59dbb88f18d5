"""`speechlstm lm sample`: draw sentences from a language model."""

from pathlib import Path

import click

from speechlstm.cli.lm.options import load_any
from speechlstm.cli.output import show
from speechlstm.cli.types import BundlePath, IntegerRange, NumberRange
from speechlstm.cli.verbs import verb


@verb()
@click.argument("lm", type=BundlePath())
@click.option("--prompt", default="", metavar="TEXT", help="Beginning of each sentence.")
@click.option(
    "--num-words",
    type=IntegerRange(min=1),
    default=50,
    show_default=True,
    help="The largest number of words in all sentences together.",
)
@click.option(
    "--temperature",
    type=NumberRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Temperature of the softmax: below 1, probable words are drawn more often.",
)
@click.option(
    "--top-p",
    type=NumberRange(min=0, max=1, min_open=True),
    default=1.0,
    show_default=True,
    help="Draw from the likeliest words only, as many as have this probability together.",
)
@click.option("--seed", type=IntegerRange(min=0), default=1, show_default=True)
def command(
    lm: Path, prompt: str, num_words: int, temperature: float, top_p: float, seed: int
) -> None:
    """Draw sentences from LM, a packed, ARPA or .tflite model, and print one per line.

    \b
    Example:
      speechlstm lm sample books.tflite --prompt "it was a" --temperature 0.8 --top-p 0.9
    """
    import numpy as np

    from speechlstm.lm.sample import sample as sampled
    from speechlstm.text.normalize import normalize

    generator = np.random.default_rng(seed)
    words = normalize(prompt).split()
    for sentence in sampled(load_any(lm), words, num_words, temperature, generator, top_p):
        show(" ".join(sentence))
