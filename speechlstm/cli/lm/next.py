"""`speechlstm lm next`: the likeliest next words."""

from pathlib import Path

import click

from speechlstm.cli.lm.options import load_any, models_of
from speechlstm.cli.options import bundle_option, json_option
from speechlstm.cli.output import say, show, show_json
from speechlstm.cli.types import PATH, BundlePath, IntegerRange
from speechlstm.cli.verbs import verb


@verb()
@click.argument("lms", metavar="[LM]...", nargs=-1, type=BundlePath())
@click.argument("text")
@click.option("--lm", "more", type=PATH, multiple=True, hidden=True)  # before 0.3, in place of LM
@bundle_option
@click.option(
    "-n",
    "num_words",
    type=IntegerRange(min=1),
    default=10,
    show_default=True,
    help="The number of words.",
)
@json_option()
def command(
    lms: tuple[Path, ...],
    text: str,
    more: tuple[Path, ...],
    bundle: Path | None,
    num_words: int,
    as_json: bool,
) -> None:
    """Print the likeliest words after TEXT, the beginning of a sentence, with their probabilities.

    Each LM is a packed, ARPA or .tflite model; without one, the models of the bundle are asked. The
    words are ordered by the mean of the models. </s> is the end of the sentence.

    \b
    Example:
      speechlstm lm next "it was a"
      speechlstm lm next old.lm new.lm "it was a" -n 20
    """
    from speechlstm.lm.prediction import next_words
    from speechlstm.text.normalize import normalize

    if missing := [path for path in lms if not path.exists()]:
        reason = "no such LM; if it belongs to TEXT, put that in quotes"
        raise click.UsageError(f"{missing[0]}: {reason}")
    lms += more
    if lms and bundle:
        raise click.UsageError("either LM or --bundle, not both")
    lms = lms or models_of(bundle)
    models = [load_any(path) for path in lms]
    words = normalize(text).split()
    for word in dict.fromkeys(words):
        for path, model in zip(lms, models, strict=True):
            if not model.word_id(word):
                say(f"{path.name}: does not know {word}; it counts as an unknown word")
    found = next_words(models, words, num_words)
    if as_json:
        candidates = [{"word": c.word, "probs": list(c.probs)} for c in found]
        show_json({"words": words, "lms": [str(path) for path in lms], "next": candidates})
        return
    width = max([4, *(len(candidate.word) for candidate in found)])
    widths = [max(8, len(path.name)) for path in lms]
    heads = (f"{path.name:>{size}}" for path, size in zip(lms, widths, strict=True))
    show(f"{'word':{width}}  {'  '.join(heads)}")
    for candidate in found:
        cells = (
            f"{'unknown' if prob is None else f'{prob:.2%}':>{size}}"
            for prob, size in zip(candidate.probs, widths, strict=True)
        )
        show(f"{candidate.word:{width}}  {'  '.join(cells)}")
