"""`speechlstm transcribe`: from recordings to text."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.options import (
    CHANNELS,
    OutputPath,
    bundle_option,
    decoding_options,
    jobs_option,
    output_format,
    raw_option,
)
from speechlstm.cli.output import say
from speechlstm.cli.verbs import verb
from speechlstm.errors import AudioError, DamagedAudioError, DataError, printable
from speechlstm.transcript import Transcript
from speechlstm.transcript.formats import (
    FORMATS,
    READABLE_FORMATS,
    SUBTITLES,
    WHOLE_FILE_FORMATS,
    recording_ids,
)

if TYPE_CHECKING:
    from speechlstm.recognizer import Recognizer


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
    "--channels",
    type=CHANNELS,
    default="mix",
    show_default=True,
    metavar="mix|separate|N",
    help="mix: the mean of all; separate: each one by itself, with its number; N: one of them, "
    "counted from 1.",
)
@raw_option
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="text: the words; json: one object a line, with times, confidences and alternatives; srt, "
    "vtt: subtitles; ctm: NIST's CTM, one word a line; textgrid: Praat's TextGrid.  "
    "[default: by the suffix of the output, or text]",
)
@click.option(
    "--readable/--raw-text",
    default=None,
    help="Text with capitals, punctuation and figures, or the words as they are recognised.  "
    "[default: readable for srt and vtt if the bundle has a network for it, otherwise raw]",
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(),
    help="The file to write, when all files are done.  [default: stdout]",
)
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    bundle: Path | None,
    decoding: dict[str, Any],
    jobs: int | None,
    channels: int | str,
    raw_rate: int | None,
    format_name: str | None,
    readable: bool | None,
    output: Path | None,
) -> None:
    """Transcribe each FILE, of any format, and print one line for each; -: standard input.

    WAV, FLAC, OGG, Opus, MP3, AIFF, AU, CAF, W64, SPH and VOC can always be read; M4A, MP4, MOV,
    WebM, MKV, WMA, AMR and others after: pip install 'speechlstm[media]'.

    As text, with several files, each line begins with the file's name and a tab. A file that cannot
    be read is reported on stderr, the others are transcribed, and the exit code is 1. A damaged or
    truncated file is transcribed as far as possible, stderr says which seconds are lost, and the
    exit code is 1 as well.

    The decoder is a beam search if the bundle has a language model or hot words are given;
    otherwise it is greedy (the most probable label of each frame).

    \b
    Example:
      speechlstm transcribe interview.mp3
      speechlstm transcribe --format json --n-best 3 *.wav > transcripts.jsonl
      speechlstm transcribe lecture.mp3 -o lecture.srt
      speechlstm transcribe --readable letter.wav
      speechlstm transcribe --channels separate telephone.wav
      speechlstm transcribe --hot-word "anna karenina" reading.flac
    """
    from speechlstm.parallel import num_usable_cores
    from speechlstm.recognizer.batch import transcribe_files
    from speechlstm.storage import write_atomically

    format_name = output_format(format_name, output, "text")
    _check_usage(format_name, decoding, readable, len(files))
    if readable is None and format_name not in SUBTITLES:
        readable = False
    load = partial(_load, bundle, {**decoding, "readable": readable})
    reading = {"channels": channels, "raw_rate": raw_rate}
    names = [click.format_filename(file) for file in files]
    labels = recording_ids(names) if format_name == "ctm" else names
    lines, failed = [], False
    with _recordings(files) as paths:
        attempts = transcribe_files(load, paths, jobs or num_usable_cores(), **reading)
        for name, label, attempt in zip(names, labels, attempts, strict=True):
            transcript = attempt.result
            if isinstance(transcript, DataError):
                say(f"Error: {_reason(name, transcript)}")
                failed = True
                if not isinstance(transcript, DamagedAudioError):
                    continue
                transcript = transcript.partial
            written = _written(format_name, label, transcript, len(files) > 1)
            if format_name == "ctm" and not written:
                continue  # silence has no line in CTM
            lines.append(written)
            if output is None:
                click.echo(written)
    if output is not None and (lines or not failed):
        write_atomically(output, "".join(f"{line}\n" for line in lines))
    if failed:
        ctx.exit(1)


def _check_usage(
    format_name: str, decoding: dict[str, Any], readable: bool | None, num_files: int
) -> None:
    if decoding.get("num_hypotheses", 1) > 1 and format_name != "json":
        raise click.UsageError("--n-best is for --format json, which alone holds alternatives")
    if format_name in WHOLE_FILE_FORMATS and num_files > 1:
        raise click.UsageError(f"--format {format_name} is for one FILE at a time")
    if readable and format_name not in READABLE_FORMATS:
        known = ", ".join(READABLE_FORMATS)
        raise click.UsageError(f"--readable is for --format {known}, not {format_name}")


def _written(format_name: str, label: str, transcript: Transcript, is_one_of_many: bool) -> str:
    written = FORMATS[format_name](label, transcript)
    if format_name != "text" or not is_one_of_many:
        return written
    return "\n".join(f"{printable(label)}\t{line}" for line in written.split("\n"))


def _load(bundle: Path | None, decoding: dict[str, Any]) -> "Recognizer":
    """The recogniser, for a process that belongs to this command."""
    from speechlstm.audio import silence_codecs
    from speechlstm.recognizer import Recognizer

    silence_codecs()
    return Recognizer.load(bundle, **decoding)


@contextmanager
def _recordings(files: tuple[Path, ...]) -> Iterator[list[Path]]:
    """The files to decode. Pipes are copied, because decoding seeks and reads more than once."""
    from speechlstm.audio import is_pipe

    if not any(file == Path("-") or is_pipe(file) for file in files):
        yield list(files)
        return
    with TemporaryDirectory() as folder:
        copies: dict[Path, Path] = {}  # by name, because a pipe can only be read once
        for number, file in enumerate(files):
            if file not in copies and (file == Path("-") or is_pipe(file)):
                copies[file] = (
                    Path(folder) / str(number) / (file.name if file.name != "-" else "stdin")
                )
                copies[file].parent.mkdir()
                _copy_pipe(file, copies[file])
        yield [copies.get(file, file) for file in files]


def _copy_pipe(file: Path, copy: Path) -> None:
    if file != Path("-"):
        with file.open("rb") as pipe, copy.open("wb") as copied:
            shutil.copyfileobj(pipe, copied)
    elif sys.stdin is None:  # closed, as by <&-
        raise AudioError("-", "standard input is closed; pipe a recording in, or give a file")
    else:
        with copy.open("wb") as copied:
            shutil.copyfileobj(sys.stdin.buffer, copied)


def _reason(name: str, error: DataError) -> str:
    return f"{name}: {error.reason}" if isinstance(error, AudioError) else str(error)
