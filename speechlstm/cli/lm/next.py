"""`speechlstm lm next`: the likeliest next words."""

from pathlib import Path

import click

from speechlstm.cli.lm.options import load_any
from speechlstm.cli.options import bundle_option, json_option
from speechlstm.cli.output import say, show, show_json
from speechlstm.cli.types import PATH, IntegerRange
from speechlstm.cli.verbs import verb


@verb()
@click.argument("text")
@click.option(
    "--lm",
    "lms",
    metavar="FILE",
    type=PATH,
    multiple=True,
    help="A language model: packed, ARPA or .tflite; may be given several times.  [default: those "
    "of the bundle]",
)
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
    text: str, lms: tuple[Path, ...], bundle: Path | None, num_words: int, as_json: bool
) -> None:
    """Print the likeliest words after TEXT, the beginning of a sentence, with their probabilities.

    They are ordered by the mean of the models. </s> is the end of the sentence.

    \b
    Example:
      speechlstm lm next "it was a"
      speechlstm lm next "it was a" --lm old.lm --lm new.lm -n 20
    """
    from speechlstm.bundle import find_bundle, read_bundle
    from speechlstm.errors import BundleError
    from speechlstm.lm.prediction import next_words
    from speechlstm.text.normalize import normalize

    if lms and bundle:
        raise click.UsageError("either --lm or --bundle, not both")
    if not lms:
        contents = read_bundle(find_bundle(bundle))
        lms = tuple(p for p in (contents.decoder.lm, contents.decoder.neural_lm) if p)
        if not lms:
            raise BundleError(contents.path, "has no language model; name one with --lm")
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
