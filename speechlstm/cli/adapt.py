"""`speechlstm adapt`: a recogniser of one's own from minutes of speech."""

import sys
from pathlib import Path

import click

from speechlstm.cli.options import BundlePath, OutputFolder, jobs_option, worst_option
from speechlstm.cli.output import progress_bar, say, show, show_lines
from speechlstm.cli.training import load_keras, resumable
from speechlstm.cli.verbs import verb

_PATH = click.Path(path_type=Path)


@verb()
@click.argument("recordings", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "--output", metavar="BUNDLE", type=OutputFolder(), required=True)
@click.option(
    "--text",
    "texts",
    metavar="FILE",
    type=_PATH,
    multiple=True,
    help="Sentences that are likely to be said, one a line; may be given several times.",
)
@click.option(
    "--init-from",
    type=BundlePath(),
    metavar="BUNDLE",
    help="Bundle to start from.  [default: english, the model of the package]",
)
@click.option(
    "--keep",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="How much of what the base knows shall stay: 0.3 hardly forgets.",
)
@click.option(
    "--epochs",
    "num_epochs",
    type=click.IntRange(min=1),
    help="Passes over the recordings.  [default: as many as their amount bears]",
)
@click.option(
    "--work",
    type=OutputFolder(),
    metavar="FOLDER",
    help="For all that is made on the way.  [default: BUNDLE.work, beside it]",
)
@jobs_option
@worst_option
def command(
    recordings: Path,
    output: Path,
    texts: tuple[Path, ...],
    init_from: Path | None,
    keep: float,
    num_epochs: int | None,
    work: Path | None,
    jobs: int | None,
    worst: int,
) -> None:
    """Make a recogniser of RECORDINGS: a folder of recordings with their texts, or a manifest.

    The text of speech.wav stands in speech.txt (or speech.lab) beside it; the first folder below
    RECORDINGS names the speaker. A part is held out to measure on. The base learns from the rest:
    its upper layers from a few minutes, all of them from more. Words that its lexicon lacks are
    sounded out, its n-grams are mixed with your texts, and the decoder's settings are chosen anew.
    Texts in another alphabet keep the base's layers, not its words.

    The bundle is verified before it appears. After Ctrl-C or a crash, the same command goes on.

    \b
    Example:
      speechlstm adapt recordings -o my-model
      speechlstm adapt all.jsonl -o my-model --text sentences.txt --keep 0.3
    """
    path = output.resolve()
    folder = work or path.with_name(f"{path.name}.work")
    with resumable(folder, ["speechlstm", *sys.argv[1:]], "adapt.json"):
        load_keras("tensorflow")  # it exports, too
        from speechlstm.parallel import num_usable_cores
        from speechlstm.training import adapt

        adapted = adapt(
            recordings,
            output,
            texts=texts,
            init_from=init_from or "english",
            keep=keep,
            num_epochs=num_epochs,
            work=folder,
            jobs=jobs or num_usable_cores(),
            report=say,
            progress=sys.stderr.isatty(),
            decoding=progress_bar,
        )
    show_lines(adapted.comparison.to_text(worst))
    say(f"plot: {adapted.work / 'adaptation.png'}; {adapted.work} may be removed")
    show(f"{output}")
