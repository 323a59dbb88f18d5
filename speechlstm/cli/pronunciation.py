"""`speechlstm pronunciation`: how well the phones of a known text are pronounced."""

from pathlib import Path

import click

from speechlstm.cli.known_text import known_text
from speechlstm.cli.output import show_json, show_lines
from speechlstm.cli.recordings import seekable_file
from speechlstm.cli.verbs import verb


@verb()
@known_text
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="text: a line for each word; json: one object, with times.",
)
def command(
    audio: Path,
    content: str,
    bundle: Path | None,
    channel: int | None,
    raw_rate: int | None,
    format_name: str,
) -> None:
    """Score how well each phone of a known text is pronounced in AUDIO, of at most 60 s.

    TEXT is a UTF-8 file with everything that should be said; -: standard input, for one of the two.
    Each line has a word's score, the word, and the scores of its phones; in brackets, the phone
    that is likelier in that place, or none.

    A phone's score, 0 to 1, is the probability that this phone, and no other or none, stands in its
    place, given the phones around it (goodness of pronunciation); a word's is their mean. The
    pronunciations are those of the bundle's lexicon, of other words those of its G2P network. A
    native speaker with a clear voice has scores below 0.5, too.

    \b
    Example:
      speechlstm pronunciation data/samples/zip.wav --text "one eight zero zero five"
      speechlstm pronunciation sentence.wav sentence.txt --format json
    """
    from speechlstm.audio import silence_codecs
    from speechlstm.pronunciation import PronunciationScorer

    silence_codecs()
    scorer = PronunciationScorer.load(bundle)
    with seekable_file(audio) as path:
        found = scorer.score_file(path, content, channel, raw_rate)
    if format_name == "json":
        show_json({"file": click.format_filename(audio), **found.to_dict()})
    else:
        show_lines(found.to_text())
