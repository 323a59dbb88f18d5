"""`speechlstm adapt`: a recogniser of one's own from minutes of speech."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.options import jobs_option, worst_option
from speechlstm.cli.output import progress_bar, say, show, show_lines
from speechlstm.cli.training import acoustic_quantize_option, load_keras, resumable, target_option
from speechlstm.cli.types import PATH, BundlePath, IntegerRange, NumberRange, OutputFolder
from speechlstm.cli.verbs import verb
from speechlstm.storage import address_of

if TYPE_CHECKING:
    from speechlstm.training.acoustic.conversion import Target
    from speechlstm.training.tflite.edit import Quantization


class _Recordings(click.Path):
    """A path that exists, or an address, of which a server knows whether it does."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return Path(value) if address_of(value) else super().convert(value, param, ctx)


@verb()
@click.argument("recordings", type=_Recordings(exists=True, path_type=Path))
@click.option(
    "-o", "--output", metavar="BUNDLE", type=OutputFolder(is_replaced=True), required=True
)
@click.option(
    "--text",
    "texts",
    metavar="FILE",
    type=PATH,
    multiple=True,
    help="Sentences that are likely to be spoken, one a line, or a manifest of them; may be given "
    "several times.",
)
@click.option(
    "--init-from",
    type=BundlePath(),
    metavar="BUNDLE",
    help="Bundle to start from.  [default: english, the model of the package]",
)
@click.option(
    "--keep",
    type=NumberRange(0, 1),
    default=0.0,
    show_default=True,
    help="How much to keep of what the base has learnt, 0 to 1; at 0.3 little is forgotten.",
)
@click.option(
    "--epochs",
    "num_epochs",
    type=IntegerRange(min=1),
    help="Passes over the recordings.  [default: depends on their duration]",
)
@click.option(
    "--work",
    type=OutputFolder(),
    metavar="FOLDER",
    help="The folder for intermediate files.  [default: BUNDLE.work]",
)
@target_option("interpreter")
@acoustic_quantize_option("int8; that of the base if its network stays as it is")
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
    targets: "tuple[Target, ...]",
    quantization: "Quantization | None",
    jobs: int | None,
    worst: int,
) -> None:
    """Adapt a recogniser to RECORDINGS: a folder of recordings with their texts, or a manifest.

    The text of speech.wav is in speech.txt (or speech.lab) beside it; the first folder below
    RECORDINGS is taken as the speaker. A part of the recordings is held out for evaluation. The
    base is trained on the others: only its upper layers on a few minutes, all of them on more.
    Words that its lexicon lacks are pronounced by the G2P network, its n-gram model is mixed with
    one of your texts, and the decoder is tuned again. If the texts have another alphabet, only the
    layers of the base are kept, not its lexicon and language models.

    The bundle is verified before it is written. Each step reports the time left of the whole
    command. After Ctrl-C or a crash, the same command continues; with another --keep, --target or
    --quantize, nothing is trained again.

    \b
    Example:
      speechlstm adapt recordings -o my-model
      speechlstm adapt all.jsonl -o my-model --text sentences.txt --keep 0.3
      speechlstm adapt recordings -o my-phone --target everywhere --quantize int4
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
            targets=targets,
            quantization=quantization,
            jobs=jobs or num_usable_cores(),
            report=say,
            progress=sys.stderr.isatty(),
            decoding=progress_bar,
        )
    show_lines(adapted.comparison.to_text(worst))
    say(f"plot: {adapted.work / 'adaptation.png'}; {adapted.work} may be removed")
    show(f"{output}")
