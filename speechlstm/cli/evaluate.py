"""`speechlstm evaluate`: the error rates of a recogniser on a manifest."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from speechlstm.cli.decoding import decoding_options
from speechlstm.cli.options import (
    bundle_option,
    jobs_option,
    json_option,
    worst_option,
)
from speechlstm.cli.output import progress_bar, say, show_report
from speechlstm.cli.verbs import verb


@verb()
@click.argument("manifest", type=click.Path(path_type=Path))
@bundle_option
@decoding_options
@jobs_option
@worst_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    manifest: Path,
    bundle: Path | None,
    decoding: dict[str, Any],
    jobs: int | None,
    worst: int,
    as_json: bool,
) -> None:
    """Transcribe the utterances of MANIFEST and print the error rates.

    The calibration error is the mean difference, in ten bins of confidence, between the words'
    confidences and the share of words that are correct.

    \b
    Example:
      speechlstm evaluate valid.jsonl --bundle my-model
      speechlstm evaluate valid.jsonl --bundle my-model --greedy
    """
    if decoding.get("num_hypotheses", 1) > 1:
        raise click.UsageError("--n-best has no effect on error rates; leave it out")
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.evaluation.evaluate import evaluate
    from speechlstm.parallel import num_usable_cores
    from speechlstm.recognizer import Recognizer

    report = evaluate(
        partial(Recognizer.load, bundle, **decoding),
        Manifest(manifest),
        progress=progress_bar,
        jobs=jobs or num_usable_cores(),
    )
    show_report(report, as_json, worst)
    for utterance_id, reason in report.failures.items():
        say(f"Error: {utterance_id}: {reason}")
    if report.failures:
        ctx.exit(1)
