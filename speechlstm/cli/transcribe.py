"""`speechlstm transcribe`: recordings in, text out."""

from pathlib import Path
from typing import TextIO

import click

from speechlstm.errors import AudioError
from speechlstm.formats import FORMATS


@click.command()
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--model",
    metavar="BUNDLE",
    type=click.Path(path_type=Path),
    help="A bundle's folder or .tflite file.  [default: the model of the package]",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    default="text",
    show_default=True,
    help="text: the words; json: one object a line, with times and confidences.",
)
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8"),
    default="-",
    help="Where to write.  [default: stdout]",
)
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    model: Path | None,
    format_name: str,
    output: TextIO,
) -> None:
    """Print what is said in each FILE (WAV, FLAC, OGG, Opus, MP3), a line a file.

    As text, with several files, each line begins with the file's name and a tab. A file that
    cannot be read is reported on stderr, the others are transcribed, the exit code is 1.

    \b
    Example:
      speechlstm transcribe interview.mp3
      speechlstm transcribe --format json *.wav > transcripts.jsonl
    """
    from speechlstm.recognizer import Recognizer

    recognizer = Recognizer.load(model)
    failed = False
    for file in files:
        try:
            transcript = recognizer.transcribe_file(file)
        except AudioError as error:
            click.echo(f"Error: {error}", err=True)
            failed = True
            continue
        name = click.format_filename(file)
        line = FORMATS[format_name](name, transcript)
        named = format_name == "text" and len(files) > 1
        click.echo(f"{name}\t{line}" if named else line, file=output)
    if failed:
        ctx.exit(1)
