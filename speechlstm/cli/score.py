"""`speechlstm score`: the error rates of existing transcripts."""

from dataclasses import replace
from pathlib import Path

import click

from speechlstm.cli.options import entities_option, json_option, lexicon_option, worst_option
from speechlstm.cli.output import say, show_report
from speechlstm.cli.verbs import verb


@verb()
@click.argument("reference", type=click.Path(path_type=Path))
@click.argument("hypothesis", type=click.Path(path_type=Path))
@click.option(
    "--ids",
    "with_ids",
    is_flag=True,
    help="Lines of text files begin with an id, as in Kaldi's text files.",
)
@click.option(
    "--readable",
    is_flag=True,
    help="Score case and punctuation, too: punctuation marks are words of their own, and "
    "precision, recall and F1 are given for each.",
)
@entities_option
@lexicon_option("none, and no phone error rate")
@worst_option
@json_option("Print one JSON object with every utterance.")
def command(
    reference: Path,
    hypothesis: Path,
    with_ids: bool,
    readable: bool,
    entities: Path | None,
    lexicon: Path | None,
    worst: int,
    as_json: bool,
) -> None:
    """Score the texts of HYPOTHESIS against those of REFERENCE.

    Each file may be text (one utterance a line), output of `speechlstm transcribe` (text, JSON,
    CTM), a manifest (.jsonl, .csv), objects with id and text (.jsonl), an answer of whisper,
    whisper.cpp or OpenAI's API (.json), NIST's .trn, .stm or .ctm, or, as one text, a TextGrid or
    subtitles (.srt, .vtt; those of `transcribe` have figures unless it has --raw-text); -: text
    from standard input. If both have ids, utterances are paired by id, in any order; otherwise by
    their order.

    Of two RTTM files, which say who speaks when, the diarization error rate (DER) is printed: the
    share of the speech that is missed, a false alarm or of another speaker, without 0.25 s around
    each start and end of the reference. Needs: pip install 'speechlstm[speakers]'.

    \b
    Example:
      speechlstm score reference.txt hypothesis.txt --worst 20
      speechlstm score valid.jsonl hypothesis.txt
      speechlstm score --ids data/test/text decoded/text
      speechlstm score --readable letters.txt transcripts.jsonl
      speechlstm score meetings.rttm transcripts.rttm
    """
    if ".rttm" in (reference.suffix.lower(), hypothesis.suffix.lower()):
        if with_ids or readable or entities or lexicon:
            raise click.UsageError("RTTM files have no words: only --worst and --json are for them")
        _score_turns(reference, hypothesis, worst, as_json)
        return
    if f"{reference}" == f"{hypothesis}" == "-":
        raise click.UsageError("only one of the two can be standard input")
    from speechlstm.evaluation.entities import NUMBERS, read_entities
    from speechlstm.evaluation.phones import by_lexicon
    from speechlstm.evaluation.score import score_transcripts, seem_to_have_ids
    from speechlstm.evaluation.transcript_files import read_transcript_file

    # Each file is read once, because it may be a pipe.
    references, hypotheses = (
        read_transcript_file(path, with_ids, readable) for path in (reference, hypothesis)
    )
    report = replace(
        score_transcripts(references, hypotheses, readable),
        entities=(NUMBERS, *(read_entities(entities) if entities else ())),
        pronounce=by_lexicon(lexicon) if lexicon else None,
    )
    if seem_to_have_ids(references, hypotheses):
        say(
            "Warning: the lines of both files begin with the same ids, which are scored as words; "
            "exclude them with --ids"
        )
    show_report(report, as_json, worst)


def _score_turns(reference: Path, hypothesis: Path, worst: int, as_json: bool) -> None:
    from speechlstm.evaluation.diarization import score_turns
    from speechlstm.transcript.rttm import read_rttm

    show_report(score_turns(read_rttm(reference), read_rttm(hypothesis)), as_json, worst)
