"""`speechlstm evaluate`: the error rates of a recogniser, or of a classifier, on a manifest."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.decoding import decoding_options
from speechlstm.cli.options import (
    bundle_option,
    check_cores,
    entities_option,
    jobs_option,
    json_option,
    label_option,
    lexicon_option,
    ray_option,
    worst_option,
)
from speechlstm.cli.output import exit_after, progress_bar, show_report
from speechlstm.cli.types import PATH, NumberRange, OutputPath
from speechlstm.cli.verbs import verb

if TYPE_CHECKING:
    from speechlstm.config import LabelField
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.evaluation.classification import ClassificationReport
    from speechlstm.evaluation.report import EvaluationReport

_PAGE_MEGABYTES = 2.0  # for its recordings


@verb()
@click.argument("manifest", type=PATH)
@bundle_option
@decoding_options
@jobs_option
@ray_option
@entities_option
@lexicon_option("the bundle's")
@worst_option
@json_option("Print one JSON object with every utterance.")
@click.option(
    "--report",
    "page",
    metavar="HTML",
    type=OutputPath((".html", ".htm")),
    help="Write a page with all of this in one file, with charts and the worst recordings.",
)
@click.option(
    "--report-megabytes",
    type=NumberRange(0, 1000),
    metavar="NUMBER",
    help="What the recordings in the page may take, in 10^6 bytes.  [default: 2]",
)
@label_option("the one that the classifier was trained with")
@click.option(
    "--confusion",
    metavar="PNG",
    type=OutputPath((".png",)),
    help="Write a picture of a classifier's confusion matrix.",
)
def command(
    manifest: Path,
    bundle: Path | None,
    decoding: dict[str, Any],
    jobs: int | None,
    ray_address: str | None,
    entities: Path | None,
    lexicon: Path | None,
    worst: int,
    as_json: bool,
    page: Path | None,
    report_megabytes: float | None,
    label: "LabelField | None",
    confusion: Path | None,
) -> None:
    """Transcribe the utterances of MANIFEST and print the error rates.

    WER, CER, PER: errors in words, characters and phones (of the words, by a lexicon); SER: share
    of the utterances that have an error. Utterances whose text is "" are silence: words in them are
    given per minute, too. The calibration error is the mean difference, in ten bins of confidence,
    between the words' confidences and the share of words that are correct.

    With the bundle of a classifier: the share of the utterances whose class is right, with its
    interval, and the most frequent confusions; as JSON with the whole confusion matrix.

    \b
    Example:
      speechlstm evaluate valid.jsonl --bundle my-model --report report.html
      speechlstm evaluate valid.jsonl --bundle my-model --greedy
      speechlstm evaluate valid.jsonl --bundle my-model --ray head:6379
      speechlstm evaluate valid.jsonl --bundle commands --confusion confusion.png
    """
    if page is None and report_megabytes is not None:
        raise click.UsageError("--report-megabytes needs --report")
    if bundle and _is_classifier(bundle):
        if decoding != {"greedy": False} or page or entities or lexicon or ray_address:
            raise click.UsageError(
                f"{bundle} is a classifier: only --label, --confusion, --worst, --json and --jobs "
                "are for it"
            )
        classified = _classified(manifest, bundle, label, jobs)
        if confusion:
            from speechlstm.evaluation.confusion_plot import plot_confusion

            plot_confusion(confusion, classified.confusion, classified.classes)
        show_report(classified, as_json, worst)
        exit_after(classified.failures)
        return
    if label or confusion:
        option = "--label" if label else "--confusion"
        raise click.UsageError(f"{option} needs the --bundle of a classifier")
    if decoding.get("num_hypotheses", 1) > 1:
        raise click.UsageError("--n-best has no effect on error rates; leave it out")
    check_cores(jobs, ray_address)
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.evaluation.entities import NUMBERS, read_entities
    from speechlstm.evaluation.evaluate import evaluate
    from speechlstm.evaluation.phones import by_bundle, by_lexicon
    from speechlstm.parallel import num_usable_cores
    from speechlstm.recognizer import Recognizer

    # What can be wrong with these files is said before the work.
    patterns = (NUMBERS, *(read_entities(entities) if entities else ()))
    pronounce = by_lexicon(lexicon) if lexicon else by_bundle(bundle)
    utterances = Manifest(manifest)
    report = evaluate(
        partial(Recognizer.load, bundle, **decoding),
        utterances,
        progress=progress_bar,
        jobs=jobs or num_usable_cores(),
        ray_address=ray_address,
    )
    report = replace(report, entities=patterns, pronounce=pronounce)
    if page:
        megabytes = _PAGE_MEGABYTES if report_megabytes is None else report_megabytes
        _write_page(page, report, utterances, worst, megabytes)
    show_report(report, as_json, worst)
    exit_after(report.failures)


def _is_classifier(bundle: Path) -> bool:
    from speechlstm.bundle import ClassifierBundle, read_any_bundle

    return isinstance(read_any_bundle(bundle), ClassifierBundle)


def _classified(
    manifest: Path, bundle: Path, label: "LabelField | None", jobs: int | None
) -> "ClassificationReport":
    from speechlstm.classification import Classifier
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.evaluation.classification import evaluate_classifier
    from speechlstm.parallel import num_usable_cores

    load = partial(Classifier.load, bundle)
    cores = jobs or num_usable_cores()
    return evaluate_classifier(load, Manifest(manifest), label, progress_bar, cores)


def _write_page(
    path: Path, report: "EvaluationReport", manifest: "Manifest", worst: int, megabytes: float
) -> None:
    from speechlstm.evaluation.conditions import Recordings
    from speechlstm.evaluation.report_page import to_page
    from speechlstm.storage import write_atomically

    scored = {score.id for score in report.scores}
    sources = {u.id: manifest.recording(u) for u in manifest if u.id in scored}
    recordings = Recordings.measure(sources, progress_bar)
    title = f"Evaluation on {manifest.path.name}"
    write_atomically(path, to_page(report, title, recordings, worst, megabytes))
