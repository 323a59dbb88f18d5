"""`speechlstm transcribe`: recordings in, text out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from speechlstm.cli.options import (
    OutputPath,
    bundle_option,
    decoding_options,
    jobs_option,
    output_format,
)
from speechlstm.cli.output import say
from speechlstm.cli.verbs import verb
from speechlstm.errors import AudioError, DataError, printable
from speechlstm.transcript.formats import FORMATS, WHOLE_FILE_FORMATS, recording_ids


@verb()
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, allow_dash=True),
)
@bundle_option
@decoding_options
@jobs_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="text: the words; json: one object a line, with times, confidences and alternatives; srt, "
    "vtt: subtitles; ctm: NIST's, a line a word; textgrid: Praat's.  "
    "[default: by the output's suffix, or text]",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(),
    help="Where to write, once all is done.  [default: stdout]",
)
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    bundle: Path | None,
    decoding: dict[str, Any],
    jobs: int | None,
    format_name: str | None,
    output: Path | None,
) -> None:
    """Print what is said in each FILE (WAV, FLAC, OGG, Opus, MP3), a line a file; -: stdin.

    As text, with several files, each line begins with the file's name and a tab. A file that
    cannot be read is reported on stderr, the others are transcribed, the exit code is 1.

    With a language model in the bundle, or hot words, a beam search finds the words; otherwise
    they are spelled by the likeliest label of each frame.

    \b
    Example:
      speechlstm transcribe interview.mp3
      speechlstm transcribe --format json --n-best 3 *.wav > transcripts.jsonl
      speechlstm transcribe lecture.mp3 -o lecture.srt
      speechlstm transcribe --hot-word "anna karenina" reading.flac
    """
    from speechlstm.batch import transcribe_files
    from speechlstm.parallel import num_usable_cores
    from speechlstm.recognizer import Recognizer
    from speechlstm.storage import write_atomically

    format_name = output_format(format_name, output, "text")
    if decoding.get("num_hypotheses", 1) > 1 and format_name != "json":
        raise click.UsageError("--n-best is for --format json, which alone holds alternatives")
    if format_name in WHOLE_FILE_FORMATS and len(files) > 1:
        raise click.UsageError(f"--format {format_name} is for one FILE at a time")
    load = partial(Recognizer.load, bundle, **decoding)
    names = [click.format_filename(file) for file in files]
    labels = recording_ids(names) if format_name == "ctm" else names
    lines, failed = [], False
    with _recordings(files) as paths:
        attempts = transcribe_files(load, paths, jobs or num_usable_cores())
        for name, label, attempt in zip(names, labels, attempts, strict=True):
            if isinstance(attempt.result, DataError):
                say(f"Error: {_reason(name, attempt.result)}")
                failed = True
                continue
            line = FORMATS[format_name](label, attempt.result)
            if format_name == "ctm" and not line:
                continue  # nothing was said
            is_named = format_name == "text" and len(files) > 1
            lines.append(f"{printable(name)}\t{line}" if is_named else line)
            if output is None:
                click.echo(lines[-1])
    if output is not None and (lines or not failed):
        write_atomically(output, "".join(f"{line}\n" for line in lines))
    if failed:
        ctx.exit(1)


@contextmanager
def _recordings(files: tuple[Path, ...]) -> Iterator[list[Path]]:
    """The files to decode: in place of -, all of stdin, which cannot be searched as it stands."""
    if Path("-") not in files:
        yield list(files)
        return
    with TemporaryDirectory() as folder:
        stdin = Path(folder) / "stdin"
        stdin.write_bytes(sys.stdin.buffer.read())
        yield [stdin if file == Path("-") else file for file in files]


def _reason(name: str, error: DataError) -> str:
    return f"{name}: {error.reason}" if isinstance(error, AudioError) else str(error)
