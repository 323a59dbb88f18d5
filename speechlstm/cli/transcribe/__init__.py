"""`speechlstm transcribe`: from recordings to text."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import click

from speechlstm.cli.decoding import decoding_options, load_recognizer
from speechlstm.cli.options import (
    bundle_option,
    check_cores,
    jobs_option,
    output_format,
    raw_option,
    ray_option,
    readable_option,
    recordings_argument,
)
from speechlstm.cli.output import say
from speechlstm.cli.recordings import reason_of, recordings_in, seekable
from speechlstm.cli.subtitles import check_layout, subtitle_options
from speechlstm.cli.transcribe.screen import Screen
from speechlstm.cli.transcribe.writing import Style, sink_of
from speechlstm.cli.types import CHANNELS, SPEAKERS, BundlePath, FormatList, TranscriptPath
from speechlstm.cli.verbs import refuse_if, verb
from speechlstm.errors import DamagedAudioError, DataError
from speechlstm.transcript.formats import (
    READABLE_FORMATS,
    SPEAKER_FORMATS,
    SUBTITLES,
    SUFFIXES,
    WHOLE_FILE_FORMATS,
)
from speechlstm.transcript.layout import DEFAULT_LAYOUT, SubtitleLayout


@verb()
@recordings_argument
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
@click.option(
    "--speakers",
    type=SPEAKERS,
    metavar="auto|N",
    help="Tell speakers apart: N of them, or as many as there seem to be. Needs: pip install "
    "'speechlstm[speakers]'.",
)
@click.option(
    "--speaker-bundle",
    type=BundlePath(),
    metavar="BUNDLE",
    help="A classifier of many speakers, by whose embeddings --speakers tells them apart.  "
    "[default: the network of the package]",
)
@raw_option
@click.option(
    "--format",
    "formats",
    type=FormatList(),
    metavar="FORMAT[,FORMAT...]",
    help="text: the words; json: one object a line, with times, confidences and alternatives; srt, "
    "vtt: subtitles; ctm: NIST's CTM, one word a line; rttm: NIST's RTTM, who speaks when; "
    "textgrid: Praat's TextGrid. Several, separated by commas, with -o FOLDER.  [default: by the "
    "suffix of the output, or text]",
)
@click.option(
    "--timestamps", is_flag=True, help="Text in lines of a few words, each after its start and end."
)
@readable_option("readable for srt and vtt if the bundle has a network for it, otherwise raw")
@subtitle_options
@click.option(
    "-o",
    "--output",
    type=TranscriptPath(),
    metavar="FILE|FOLDER",
    help="The file to write, when all recordings are done; or a folder for a file each (by "
    "recording and format), written when that recording is done.  [default: stdout]",
)
@click.option(
    "--skip-existing",
    is_flag=True,
    help="Leave out what has been written before: so a command that was interrupted goes on.",
)
@ray_option
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[Path, ...],
    bundle: Path | None,
    decoding: dict[str, Any],
    jobs: int | None,
    channels: int | Literal["mix", "separate"],
    speakers: int | Literal["auto"] | None,
    speaker_bundle: Path | None,
    raw_rate: int | None,
    formats: tuple[str, ...] | None,
    timestamps: bool,
    readable: bool | None,
    output: Path | None,
    skip_existing: bool,
    layout: SubtitleLayout | None,
    ray_address: str | None,
) -> None:
    """Transcribe each FILE, of any format, and print one line for each; -: standard input.

    WAV, FLAC, OGG, Opus, MP3, AIFF, AU, CAF, W64, SPH and VOC can always be read; M4A, MP4, MOV,
    WebM, MKV, WMA, AMR and others after: pip install 'speechlstm[media]'. A FILE may be a folder:
    all recordings in it and its subfolders are transcribed, known by their suffixes.

    As text, with several files, each line begins with the file's name and a tab. On a terminal, the
    text of a single FILE appears segment by segment, each in a line of its own. All cores share the
    work, also that of a single FILE (--jobs); the text does not depend on their number.

    A file that cannot be read is reported on stderr, the others are transcribed, and the exit code
    is 1. A damaged or truncated file is transcribed as far as possible, stderr says which seconds
    are lost, and the exit code is 1 as well.

    -o FOLDER (one that exists or ends in a slash, or any name if a FILE is a folder or each gets
    several files) keeps the subfolders: rec/monday/a.wav becomes FOLDER/monday/a.txt for the FILE
    rec.

    The decoder is a beam search if the bundle has a language model or hot words are given;
    otherwise it is greedy (the most probable label of each frame).

    --speakers numbers the speakers of each recording in the order in which they first speak, and
    begins a line, or a subtitle, where another speaks. Where two speak at once, one of them is
    found. If each has a channel of their own, --channels separate is more certain.

    \b
    Example:
      speechlstm transcribe interview.mp3
      speechlstm transcribe --timestamps interview.mp3 > interview.txt
      speechlstm transcribe --format json --n-best 3 *.wav > transcripts.jsonl
      speechlstm transcribe lecture.mp3 -o lecture.srt --max-line-width 32
      speechlstm transcribe lectures -o subtitles --format srt,json --skip-existing
      speechlstm transcribe --readable letter.wav
      speechlstm transcribe --channels separate telephone.wav
      speechlstm transcribe --speakers 2 --readable interview.mp3
      speechlstm transcribe --hot-word "anna karenina" reading.flac
      speechlstm transcribe --phrases commands.txt command.wav
      speechlstm transcribe calls -o texts --format json --skip-existing --ray head:6379
    """
    from speechlstm.parallel import num_usable_cores
    from speechlstm.recognizer.batch import transcribe_each
    from speechlstm.recognizer.sharing import transcribe_in_segments

    recordings, failed = recordings_in(files)
    into_folder = output is not None and _is_folder(ctx, files, output, formats, len(recordings))
    if formats is None:
        formats = (output_format(None, None if into_folder else output, "text"),)
    _check_usage(SimpleNamespace(**ctx.params), formats, len(recordings), into_folder)
    check_cores(jobs, ray_address)
    check_layout(layout, formats)
    if readable is None and not any(name in SUBTITLES for name in formats):
        readable = False
    is_whole = channels == "separate" or speakers is not None
    style = Style(timestamps, readable is not None, is_whole, layout or DEFAULT_LAYOUT)
    sink = sink_of(output, into_folder, recordings, formats, style, skip_existing)
    remaining = [recordings[index] for index in sink.remaining]
    if num_skipped := len(recordings) - len(remaining):
        say(f"{num_skipped} of {len(recordings)} were there before; skipped")
    if not remaining:
        ctx.exit(1 if failed else 0)
    if output is not None:
        TranscriptPath.refuse_unwritable(output)
    voices = {"speakers": speakers, "speaker_bundle": speaker_bundle}
    load = partial(load_recognizer, bundle, {**decoding, "readable": readable, **voices})
    with (
        seekable([recording.path for recording in remaining]) as paths,
        Screen(paths, raw_rate) as screen,
    ):
        if ray_address is None:
            results = transcribe_in_segments(
                load(), load, paths, channels, raw_rate, jobs or num_usable_cores(),
                sink.watch(screen),
            )  # fmt: skip
        else:
            attempts = transcribe_each(
                load, paths, ray_address=ray_address, channels=channels, raw_rate=raw_rate
            )
            results = (attempt.result for attempt in attempts)
        for recording, result in zip(remaining, results, strict=True):
            if isinstance(result, DataError):
                screen.say(f"Error: {reason_of(result, recording.path)}")
                failed = True
                sink.add(result.partial if isinstance(result, DamagedAudioError) else None)
            else:
                sink.add(result)
            screen.end_recording()
    sink.close(failed)
    if failed:
        ctx.exit(1)


def _is_folder(
    ctx: click.Context,
    files: Sequence[Path],
    output: Path,
    formats: tuple[str, ...] | None,
    num_recordings: int,
) -> bool:
    """Whether the output is a folder, which may not exist yet."""
    if TranscriptPath.is_folder(ctx):
        return True
    if output.exists() or output.suffix.lower() in SUFFIXES:
        return False
    is_one_each = num_recordings > 1 and any(name in WHOLE_FILE_FORMATS for name in formats or ())
    return len(formats or ()) > 1 or is_one_each or any(file.is_dir() for file in files)


def _check_usage(
    given: SimpleNamespace, formats: tuple[str, ...], num_recordings: int, into_folder: bool
) -> None:
    has_alternatives = (given.num_hypotheses or 1) > 1
    has_speakers = given.speakers is not None
    readable, whole = ", ".join(READABLE_FORMATS), formats[0] in WHOLE_FILE_FORMATS
    refuse_if(
        (
            has_alternatives and "json" not in formats,
            "--n-best is for --format json, which alone holds alternatives",
        ),
        (
            given.readable and not any(name in READABLE_FORMATS for name in formats),
            f"--readable is for --format {readable}, not {', '.join(formats)}",
        ),
        (
            given.timestamps and "text" not in formats,
            "--timestamps is for --format text; the others have times anyway",
        ),
        (given.skip_existing and given.output is None, "--skip-existing needs -o"),
        (
            given.speaker_bundle is not None and not has_speakers,
            "--speaker-bundle needs --speakers auto, or their number",
        ),
        (
            not has_speakers and any(name in SPEAKER_FORMATS for name in formats),
            "--format rttm needs --speakers auto, or their number",
        ),
        (
            has_speakers and given.channels == "separate",
            "--speakers is for recordings whose speakers share a channel; --channels separate "
            "numbers the channels, --channels N takes one of them",
        ),
        (
            has_speakers and has_alternatives,
            "--speakers is for the best hypothesis; leave out --n-best",
        ),
        (len(formats) > 1 and not into_folder, f"--format {','.join(formats)} needs -o FOLDER"),
        (
            whole and num_recordings > 1 and not into_folder,
            f"--format {formats[0]} is for one FILE at a time, or for -o FOLDER, a file each",
        ),
    )
