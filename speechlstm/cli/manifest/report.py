"""`speechlstm manifest report`: what is wrong with a corpus, and what it is like."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.manifest.checking import checked_against, checking_options
from speechlstm.cli.options import bundle_option, jobs_option, json_option, max_utterances_option
from speechlstm.cli.output import progress_bar, say, show_json
from speechlstm.cli.types import PATH, NumberRange, OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted

if TYPE_CHECKING:
    from speechlstm.corpora.survey import Survey
    from speechlstm.evaluation.metrics import Score


@verb()
@click.argument("manifests", metavar="MANIFEST...", type=PATH, nargs=-1, required=True)
@click.option("-o", "--output", metavar="HTML", type=OutputPath((".html", ".htm")))
@json_option("Print the report as one JSON object.")
@click.option(
    "--max-share",
    type=NumberRange(0, 1),
    default=0.01,
    show_default=True,
    help="The share of the utterances that may have a fault of a kind.",
)
@click.option(
    "--lexicon", "lexicon_path", type=PATH, help="CMUdict's format.  [default: the bundle's]"
)
@bundle_option
@click.option("--no-model", is_flag=True, help="Do not compare the texts with a recogniser's.")
@max_utterances_option(500, "recognise, spread evenly")
@checking_options
@jobs_option
@click.pass_context
def command(
    ctx: click.Context,
    manifests: tuple[Path, ...],
    output: Path | None,
    as_json: bool,
    max_share: float,
    lexicon_path: Path | None,
    bundle: Path | None,
    no_model: bool,
    max_utterances: int,
    config: Path | None,
    alphabet: str | None,
    jobs: int | None,
) -> None:
    """Read every recording of MANIFEST... and write a page on its faults and what it is like.

    Faults are unreadable recordings and wrong entries (as `manifest check` finds them), recordings
    that are silent, clipped, have long silences, a telephone's band in a wideband file, or the same
    sound as another; and, of several manifests, speakers and sounds that they have in common. The
    page also has hours by speaker, durations, loudness, characters, words that the lexicon lacks,
    and the texts that the recogniser disagrees with most, with players.

    The exit code is 1 if more than --max-share of the utterances have a fault of a kind, or if
    manifests have a speaker or sound in common.

    \b
    Example:
      speechlstm manifest report train.jsonl valid.jsonl -o report.html
      speechlstm manifest report all.jsonl --no-model --json > report.json
    """
    if output is None and not as_json:
        raise click.UsageError("needs -o HTML or --json")
    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.survey import survey
    from speechlstm.evaluation.data_page import data_page
    from speechlstm.evaluation.data_report import DataReport
    from speechlstm.parallel import num_usable_cores
    from speechlstm.storage import write_atomically

    jobs = jobs or num_usable_cores()
    known = _known_words(bundle, lexicon_path)
    found = survey(
        [Manifest(path) for path in manifests],
        *checked_against(config, alphabet),
        jobs,
        progress_bar,
    )
    scores = None if no_model else _scores(found, bundle, max_utterances, jobs)
    names = tuple(map(str, manifests))
    report = DataReport(names, found, known, scores, max_share)
    if output:
        write_atomically(output, data_page(report))
        say(f"{output}: {counted(report.stats.num_utterances, 'utterance')}")
    if as_json:
        show_json(report.to_dict())
    for fault in report.faults:
        if fault.is_exceeded:
            number = counted(len(fault.utterances), "utterance")
            shares = f"{fault.share:.2%}; at most {fault.limit:.2%} are allowed"
            say(f"Error: {fault.name}: {number} ({shares})")
    if report.is_faulty:
        ctx.exit(1)


def _known_words(bundle: Path | None, lexicon: Path | None) -> frozenset[str] | None:
    from speechlstm.bundle import find_bundle, read_bundle
    from speechlstm.decoding.lexicon_tree import LexiconTree
    from speechlstm.text.lexicon import Lexicon

    if lexicon:
        return frozenset(Lexicon.read(lexicon).entries)
    found = read_bundle(find_bundle(bundle))
    if found.decoder.lexicon is None:
        return None
    alphabet = found.acoustic.phones or found.acoustic.alphabet
    return frozenset(LexiconTree.load(found.decoder.lexicon, alphabet).words)


def _scores(
    found: "Survey", bundle: Path | None, max_utterances: int, jobs: int
) -> "dict[int, Score]":
    from speechlstm.evaluation.data_report import compare_with
    from speechlstm.recognizer import Recognizer

    load = partial(Recognizer.load, bundle, greedy=True)
    return compare_with(load, found, max_utterances, jobs, progress_bar)
