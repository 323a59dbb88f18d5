"""`speechlstm lm compare`: two language models on the same text."""

from pathlib import Path

import click

from speechlstm.cli.lm.options import load_any
from speechlstm.cli.options import json_option
from speechlstm.cli.output import show, show_json
from speechlstm.cli.types import PATH, BundlePath
from speechlstm.cli.verbs import verb


@verb()
@click.argument("first", metavar="A", type=BundlePath())
@click.argument("second", metavar="B", type=BundlePath())
@click.argument("text", type=PATH)
@json_option()
def command(first: Path, second: Path, text: Path, as_json: bool) -> None:
    """Compare the perplexities of language models A and B on TEXT, by the frequency of words.

    A and B are packed, ARPA or .tflite models, TEXT is UTF-8 with one sentence per line, or a
    manifest. Words are grouped by how often they occur in TEXT; words that one of the models does
    not know stand apart, as their probability is that of all unknown words.

    \b
    Example:
      speechlstm lm compare books.lm books.tflite transcripts.txt
    """
    from speechlstm.corpora.sentences import sentences_of
    from speechlstm.lm.comparison import compare_models

    sentences = list(sentences_of(text))
    classes = [
        c for c in compare_models(load_any(first), load_any(second), sentences) if c.num_words
    ]
    if as_json:
        show_json({"models": [str(first), str(second)], "classes": [c.to_dict() for c in classes]})
        return
    width = max(len("words by frequency"), *(len(c.name) for c in classes))
    show(f"A: {first}")
    show(f"B: {second}")
    show(
        f"{'words by frequency':{width}}  {'words':>8}  {'A: perplexity':>13}  "
        f"{'B: perplexity':>13}  {'B / A':>6}  {'A is better':>11}"
    )
    for group in classes:
        one, two = group.perplexities
        show(
            f"{group.name:{width}}  {group.num_words:8}  {one:13.2f}  {two:13.2f}  "
            f"{two / one:6.2f}  {group.num_better / group.num_words:11.1%}"
        )
