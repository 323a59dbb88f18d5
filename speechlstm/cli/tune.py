"""`speechlstm tune`: the settings of a decoder."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.decoding import neural_lm_mode_options
from speechlstm.cli.options import jobs_option, max_utterances_option
from speechlstm.cli.output import exit_after, progress_bar
from speechlstm.cli.types import PATH, OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted

if TYPE_CHECKING:
    from speechlstm.evaluation.tuning import Trial, Tuned


@verb()
@click.argument("model", metavar="BUNDLE", type=PATH)
@click.argument("manifests", metavar="MANIFEST...", nargs=-1, required=True, type=PATH)
@click.option("--lm", metavar="LM", type=PATH, help="A packed language model to put into BUNDLE.")
@click.option("--lexicon", metavar="FILE", type=PATH, help="A lexicon to put into BUNDLE.")
@click.option(
    "--g2p",
    "--pronouncer",
    "g2p",
    metavar="FILE",
    type=PATH,
    help="A G2P network, for hot words that the lexicon lacks, to put into BUNDLE.",
)
@click.option(
    "--neural-lm",
    "--rescore",
    "neural_lm",
    metavar="LM.tflite",
    type=PATH,
    help="An LSTM language model to put into BUNDLE.",
)
@click.option(
    "--punctuator",
    metavar="FILE",
    type=PATH,
    help="A network for readable text (scripts/recipes/punctuator.py) to put into BUNDLE.",
)
@neural_lm_mode_options
@click.option(
    "-o",
    "--output",
    metavar="PNG",
    type=OutputPath((".png",)),
    help="The plot of the WER.  [default: BUNDLE.png]",
)
@click.option("--dry-run", is_flag=True, help="Do not change BUNDLE.")
@max_utterances_option(500, "use")
@jobs_option
def command(
    model: Path,
    manifests: tuple[Path, ...],
    lm: Path | None,
    lexicon: Path | None,
    g2p: Path | None,
    neural_lm: Path | None,
    punctuator: Path | None,
    neural_lm_mode: Any,
    output: Path | None,
    dry_run: bool,
    max_utterances: int,
    jobs: int | None,
) -> None:
    """Find the settings of BUNDLE's decoder on the utterances of MANIFEST and write them into it.

    The network runs once. Then the weights of the language model and of words are searched, the
    pause that ends a sentence, the beam width and the weight of an LSTM language model are chosen,
    and the words' confidences are calibrated. The files given by --lm, --lexicon, --g2p (see
    `speechlstm lexicon`) and --neural-lm (see `speechlstm lm export`) are put into BUNDLE and
    replace those that it has. If it has none, only the confidences are calibrated.

    \b
    Example:
      speechlstm tune my-model valid.jsonl --lm books.lm
    """
    import matplotlib as matplotlib  # reports now if it is missing, not after minutes

    from speechlstm.bundle import read_bundle, refuse_to_replace_others, write_decoder
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.evaluation.tuning import plot_surface, tune
    from speechlstm.lm.ngram.arpa import is_arpa
    from speechlstm.parallel import num_usable_cores
    from speechlstm.readable.punctuation import Punctuator

    if lm and is_arpa(lm):
        raise click.UsageError(
            "a bundle needs a packed language model; make one with speechlstm lm convert"
        )
    if model == Path("english") and not model.exists():
        raise click.UsageError(
            "english is the model of the package, and tune changes its BUNDLE: make one with "
            "speechlstm export english -o my-model"
        )
    if punctuator:
        Punctuator(punctuator)  # whether it is one
    bundle = read_bundle(model)
    plot = output or _plot_beside(model)
    if not dry_run:
        refuse_to_replace_others(model)
    neural_lm_config = bundle.decoder.neural_lm_config
    if neural_lm_mode:
        neural_lm_config = replace(neural_lm_config, mode=neural_lm_mode)
    files: dict[str, Any] = {
        "lm": lm, "lexicon": lexicon, "g2p": g2p, "neural_lm": neural_lm, "punctuator": punctuator,
    }  # fmt: skip
    decoder = replace(
        bundle.decoder,
        neural_lm_config=neural_lm_config,
        **{field: file for field, file in files.items() if file},
    )
    tuned = tune(
        replace(bundle, decoder=decoder),
        [Manifest(path) for path in manifests],
        max_utterances,
        jobs or num_usable_cores(),
        progress_bar,
        _Table(),
    )
    if tuned.word_error_rates:
        plot_surface(plot, tuned.word_error_rates)
    click.echo(_summary(tuned))
    if not dry_run:
        write_decoder(model, tuned.decoder)
    exit_after(tuned.failures)


def _plot_beside(model: Path) -> Path:
    """Where the plot goes by default; a picture that is no such plot is not replaced."""
    from speechlstm.evaluation.tuning import is_surface

    path = model.resolve().with_name(f"{model.resolve().name}.png")
    if path.exists() and not (path.is_file() and is_surface(path)):
        raise click.UsageError(f"{path} is not a plot of tune: choose another file with -o")
    return path


def _summary(tuned: "Tuned") -> str:
    config, neural_lm = tuned.decoder.config, tuned.decoder.neural_lm_config
    return (
        f"Chosen on {counted(tuned.num_utterances, 'utterance')}: lm_weight {config.lm_weight:g}, "
        f"word_bonus {config.word_bonus:g}, prior_weight {config.prior_weight:g}, "
        f"sentence_pause {config.sentence_pause:g}, beam_width {config.beam_width}, "
        f"LSTM {neural_lm.weight:g}\n"
        f"Calibration error of the words' confidences: {tuned.fit.error_before:.2%}, "
        f"calibrated {tuned.fit.error_after:.2%}"
    )


class _Table:
    """Prints trials below a heading."""

    def __init__(self) -> None:
        self._is_empty = True

    def __call__(self, trial: "Trial") -> None:
        if self._is_empty:
            click.echo(
                "lm_weight  word_bonus  prior_weight  pause  beam_width  LSTM     WER  "
                "RTF of the decoder"
            )
            self._is_empty = False
        config = trial.config
        click.echo(
            f"{config.lm_weight:9.2f}  {config.word_bonus:10.2f}  {config.prior_weight:12.2f}  "
            f"{config.sentence_pause:5.2f}  {config.beam_width:10}  {trial.neural_lm.weight:4.2f}  "
            f"{trial.errors.rate:6.2%}  {trial.rtf:.4f}"
        )
