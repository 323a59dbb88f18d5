"""`speechlstm tune`: how much a language model should count."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.options import OutputPath, jobs_option, neural_lm_mode_options
from speechlstm.cli.verbs import verb

if TYPE_CHECKING:
    from speechlstm.bundle import Bundle
    from speechlstm.config import NeuralLMConfig
    from speechlstm.evaluation.tuning import Trial, Tuner

_PATH = click.Path(path_type=Path)


@verb()
@click.argument("model", metavar="BUNDLE", type=_PATH)
@click.argument("manifests", metavar="MANIFEST...", nargs=-1, required=True, type=_PATH)
@click.option("--lm", metavar="LM", type=_PATH, help="A packed language model for BUNDLE to have.")
@click.option("--lexicon", metavar="FILE", type=_PATH, help="A lexicon for BUNDLE to have.")
@click.option(
    "--pronouncer",
    metavar="FILE",
    type=_PATH,
    help="What sounds out hot words that the lexicon lacks, for BUNDLE to have.",
)
@click.option(
    "--neural-lm",
    "--rescore",
    "neural_lm",
    metavar="LM.tflite",
    type=_PATH,
    help="An LSTM language model for BUNDLE to have.",
)
@neural_lm_mode_options
@click.option(
    "-o",
    "--output",
    metavar="PNG",
    type=OutputPath((".png",)),
    help="The plot.  [default: BUNDLE.png]",
)
@click.option("--dry-run", is_flag=True, help="Leave BUNDLE as it is.")
@click.option(
    "--max-utterances",
    type=click.IntRange(min=1),
    default=500,
    show_default=True,
    help="Of the manifests, at most.",
)
@jobs_option
@click.pass_context
def command(
    ctx: click.Context,
    model: Path,
    manifests: tuple[Path, ...],
    lm: Path | None,
    lexicon: Path | None,
    pronouncer: Path | None,
    neural_lm: Path | None,
    neural_lm_mode: Any,
    output: Path | None,
    dry_run: bool,
    max_utterances: int,
    jobs: int | None,
) -> None:
    """Find the decoder's settings for BUNDLE on the utterances of MANIFEST, and write them into it.

    The network runs once. Then the weights of language model and words are searched, the width of
    the beam and the share of an LSTM language model are chosen, and the words' confidences are
    calibrated. --lm, --lexicon, --pronouncer (which `speechlstm lexicon` makes) and --neural-lm
    (`speechlstm lm export`) become parts of BUNDLE in place of those that it has. Where it has
    none, confidences alone are calibrated.

    \b
    Example:
      speechlstm tune my-model valid.jsonl --lm books.lm
    """
    import matplotlib as matplotlib  # that it is missing shows here, not after minutes

    from speechlstm.bundle import read_bundle, refuse_to_replace_others, write_decoder
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.evaluation.tuning import Tuner
    from speechlstm.lm.ngram.arpa import is_arpa
    from speechlstm.parallel import num_usable_cores

    if lm and is_arpa(lm):
        raise click.UsageError("a bundle holds packed language models: speechlstm lm convert")
    bundle = read_bundle(model)
    if not dry_run:
        refuse_to_replace_others(model)
    decoder = replace(
        bundle.decoder,
        lm=lm or bundle.decoder.lm,
        lexicon=lexicon or bundle.decoder.lexicon,
        g2p=pronouncer or bundle.decoder.g2p,
        neural_lm=neural_lm or bundle.decoder.neural_lm,
    )
    bundle = replace(bundle, decoder=decoder)
    _refuse_strange_parts(bundle)
    config, neural_lm_config = bundle.decoder.config, bundle.decoder.neural_lm_config
    if neural_lm_mode:
        neural_lm_config = replace(neural_lm_config, mode=neural_lm_mode)
    tuner = Tuner(bundle, jobs or num_usable_cores(), _track)
    failures = tuner.hear([Manifest(path) for path in manifests], max_utterances)
    is_searched = bundle.decoder.is_search
    if is_searched:
        plot = output or model.resolve().with_name(f"{model.resolve().name}.png")
        best = _search(tuner, bundle, neural_lm_config, plot)
        config, neural_lm_config = best.config, best.neural_lm
        hypotheses = tuner.judged(config, neural_lm_config)
    else:
        hypotheses = tuner.greedy()
    calibration, before, after = tuner.calibrate(hypotheses)
    click.echo(
        f"Chosen on {len(tuner.heard)} utterances: lm_weight {config.lm_weight:g}, "
        f"word_bonus {config.word_bonus:g}, prior_weight {config.prior_weight:g}, "
        f"beam_width {config.beam_width}, LSTM {neural_lm_config.weight:g}\n"
        f"Calibration error of the words' confidences: {before:.2%}, calibrated {after:.2%}"
    )
    if not dry_run:
        tuned = replace(
            bundle.decoder,
            config=config,
            neural_lm_config=neural_lm_config,
            prior=tuner.prior if is_searched else None,
            calibration=calibration,
        )
        write_decoder(model, tuned)
    for utterance_id, reason in failures.items():
        click.echo(f"Error: {utterance_id}: {reason}", err=True)
    if failures:
        ctx.exit(1)


def _refuse_strange_parts(bundle: "Bundle") -> None:
    from speechlstm.errors import ModelError
    from speechlstm.text.g2p import G2PModel

    pronouncer, rescorer = bundle.decoder.g2p, bundle.decoder.neural_lm
    if pronouncer and G2PModel(pronouncer).phones != bundle.acoustic.phones:
        raise ModelError(f"{pronouncer}: pronounces in other phones than {bundle.path} hears")
    if rescorer and not bundle.decoder.lm:
        reason = f"counts beside an n-gram model, and {bundle.path} has none: give it one with --lm"
        raise ModelError(f"{rescorer}: {reason}")


def _search(
    tuner: "Tuner", bundle: "Bundle", neural_lm_config: "NeuralLMConfig", plot: Path
) -> "Trial":
    """The settings with the fewest errors; prints each trial and plots those of the weights."""
    from speechlstm.evaluation.wer_surface import plot_surface

    config = bundle.decoder.config
    click.echo("lm_weight  word_bonus  prior_weight  beam_width  LSTM     WER  RTF of the decoder")
    if bundle.decoder.lm:
        trials = tuner.search_weights(config, _report)
        config = trials[0].config
        rates = {
            (trial.config.lm_weight, trial.config.word_bonus): trial.errors.rate
            for trial in trials
            if trial.config.prior_weight == config.prior_weight
        }
        plot_surface(plot, rates)
    best = tuner.search_beam_width(config, _report)
    if bundle.decoder.neural_lm:
        best = tuner.search_neural_lm(best, neural_lm_config, _report)
    return best


def _track(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    from tqdm import tqdm

    progress: Iterable[Any] = tqdm(items, what, total, unit="utt", leave=False, disable=None)
    return progress


def _report(trial: "Trial") -> None:
    config = trial.config
    click.echo(
        f"{config.lm_weight:9.2f}  {config.word_bonus:10.2f}  {config.prior_weight:12.2f}  "
        f"{config.beam_width:10}  {trial.neural_lm.weight:4.2f}  "
        f"{trial.errors.rate:6.2%}  {trial.rtf:.4f}"
    )
