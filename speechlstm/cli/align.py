"""`speechlstm align`: when each word of a known text is spoken."""

from pathlib import Path

import click

from speechlstm.cli.options import OutputPath, bundle_option, output_format, raw_option, read_text
from speechlstm.cli.verbs import verb
from speechlstm.transcript.formats import FORMATS, recording_ids


@verb()
@click.argument("audio", type=click.Path(path_type=Path))
@click.argument("text", type=click.Path(path_type=Path), required=False)
@click.option("--text", "words", metavar="WORDS", help="The text itself, instead of the file TEXT.")
@bundle_option
@click.option(
    "--channel",
    type=click.IntRange(min=1),
    metavar="N",
    help="The channel to use, counted from 1.  [default: the mean of all]",
)
@raw_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice([name for name in FORMATS if name != "text"]),
    help="ctm: NIST's CTM, one word a line; textgrid: Praat's TextGrid; srt, vtt: subtitles; json: "
    "one object.  [default: by the suffix of the output, or ctm]",
)
@click.option("-o", "--output", type=OutputPath(), help="[default: stdout]")
def command(
    audio: Path,
    text: Path | None,
    words: str | None,
    bundle: Path | None,
    channel: int | None,
    raw_rate: int | None,
    format_name: str | None,
    output: Path | None,
) -> None:
    """Print when each word of a known text is spoken in AUDIO.

    TEXT is a UTF-8 file with everything that is spoken. Case and punctuation are ignored; numbers
    have to be written out.

    \b
    Example:
      speechlstm align interview.wav interview.txt -o interview.TextGrid
      speechlstm align data/samples/date.wav --text "july fourth seventeen seventy six"
    """
    from speechlstm.audio import silence_codecs
    from speechlstm.recognizer import Recognizer
    from speechlstm.storage import write_atomically

    if (text is None) == (words is None):
        raise click.UsageError("needs either the file TEXT or --text WORDS")
    transcript_text = words if text is None else read_text(text)
    format_name = output_format(format_name, output, "ctm")
    silence_codecs()
    recognizer = Recognizer.load(bundle, greedy=True)
    transcript = recognizer.align_file(audio, transcript_text or "", channel, raw_rate)
    name = click.format_filename(audio)
    written = FORMATS[format_name](
        recording_ids([name])[0] if format_name == "ctm" else name, transcript
    )
    if output:
        write_atomically(output, written + "\n")
    else:
        click.echo(written)
