"""`speechlstm evaluate`: how well a model recognises a manifest."""

import json
from functools import partial
from pathlib import Path

import click


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--model",
    metavar="BUNDLE",
    type=click.Path(path_type=Path),
    help="A bundle's folder or .tflite file.  [default: the model of the package]",
)
@click.option(
    "--worst",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Utterances to show the errors of.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with every utterance.")
@click.pass_context
def command(
    ctx: click.Context, manifest: Path, model: Path | None, worst: int, as_json: bool
) -> None:
    """Recognise the utterances of MANIFEST and print the error rates.

    \b
    Example:
      speechlstm evaluate valid.jsonl --model my-model
    """
    from tqdm import tqdm

    from speechlstm.evaluation import evaluate
    from speechlstm.manifest import Manifest
    from speechlstm.recognizer import Recognizer

    report = evaluate(
        partial(Recognizer.load, model),
        Manifest(manifest),
        track=lambda utterances: tqdm(utterances, unit="utt", disable=None),
    )
    click.echo(
        json.dumps(report.to_dict(), ensure_ascii=False) if as_json else report.to_text(worst)
    )
    for utterance_id, reason in report.failures.items():
        click.echo(f"Error: {utterance_id}: {reason}", err=True)
    if report.failures:
        ctx.exit(1)
