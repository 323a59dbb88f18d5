"""`speechlstm listen`: from a microphone to text, while it is spoken."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.decoding import decoding_options, load_recognizer
from speechlstm.cli.listen.live import Live, LiveEvents, LiveText
from speechlstm.cli.options import bundle_option, output_format, raw_option, readable_option
from speechlstm.cli.output import name_of, say, show
from speechlstm.cli.transcribe.writing import Style
from speechlstm.cli.types import IntegerRange, NumberRange, OutputPath
from speechlstm.cli.verbs import refuse_if, verb
from speechlstm.errors import AudioError, counted
from speechlstm.interruption import Interruption
from speechlstm.storage import write_atomically
from speechlstm.transcript.formats import READABLE_FORMATS, SPEAKER_FORMATS, SUBTITLES

if TYPE_CHECKING:
    from speechlstm.audio import BlockSource


@verb()
@bundle_option
@decoding_options
@click.option("--list-devices", is_flag=True, help="Print the microphones, and end.")
@click.option(
    "--device",
    metavar="NUMBER|NAME",
    help="The microphone, by its number or a part of its name.  [default: the system's]",
)
@click.option(
    "--rate",
    type=IntegerRange(4_000, 768_000),
    metavar="HZ",
    help="The sample rate of the microphone.  [default: the model's, or the microphone's own]",
)
@click.option(
    "--input",
    "recording",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Listen to a recording in place of a microphone; -: standard input as it comes, with "
    "--raw.",
)
@click.option("--realtime", is_flag=True, help="Play the --input no faster than it was recorded.")
@raw_option
@click.option(
    "--endpoint-seconds",
    type=NumberRange(0.2, 10.0),
    metavar="SECONDS",
    help="The pause that ends a segment, after which its words are final.  [default: 0.6]",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="What is printed. text: a line for each segment when it is final, on a terminal also the "
    "words so far; jsonl: an object for each event, words so far and final ones.",
)
@readable_option("readable for -o with .srt or .vtt, otherwise raw")
@click.option(
    "-o",
    "--output",
    type=OutputPath(),
    help="The file to write at the end, with all that was heard: text, JSON, subtitles, CTM or "
    "TextGrid, by its suffix.",
)
@click.pass_context
def command(
    ctx: click.Context,
    bundle: Path | None,
    decoding: dict[str, Any],
    list_devices: bool,
    device: str | None,
    rate: int | None,
    recording: Path | None,
    realtime: bool,
    raw_rate: int | None,
    endpoint_seconds: float | None,
    format_name: str,
    readable: bool | None,
    output: Path | None,
) -> None:
    """Recognise speech from a microphone while it is spoken; Ctrl-C ends.

    The microphone needs: pip install 'speechlstm[mic]'. Words so far may change until a pause, or
    20 seconds without one, makes them final.

    Ctrl-C, SIGTERM and the end of the terminal end the microphone as they should: what was said
    last is recognised, -o is written, and the exit code is 0. An --input that is ended early has
    the exit code 130, 143 or 129. If the microphone fails, what was heard is kept in the same way,
    and the exit code is 1.

    Whatever writes raw samples can be listened to: arecord -t raw -f S16_LE -r 16000 | speechlstm
    listen --input - --raw 16000

    Each line of --format jsonl has "type" ("partial" or "final"), "segment" (its number), "start"
    and "end" (seconds from the beginning), "text" and "words" (each with "text", "start", "end",
    "confidence"). A final line has more, as in transcribe --format json.

    \b
    Example:
      speechlstm listen
      speechlstm listen --device usb --readable -o meeting.srt
      speechlstm listen --format jsonl > events.jsonl
      speechlstm listen --input talk.wav --realtime
    """
    if list_devices:
        _list_devices()
        return
    file_format = output_format(None, output, "text", SPEAKER_FORMATS)
    _check_usage(SimpleNamespace(**ctx.params), file_format)
    loads = None if readable is None and file_format in SUBTITLES else bool(readable)
    live: Live = LiveEvents(bool(readable)) if format_name == "jsonl" else LiveText(bool(readable))
    from speechlstm.audio import recording_ids
    from speechlstm.cli.listen.session import Session

    with Interruption() as interruption:
        recognizer = load_recognizer(bundle, {**decoding, "readable": loads})
        if recording is None:
            name, source = _microphone(device, rate, recognizer.model.sample_rate)
        else:
            name = name_of(recording)
            source = _recording(recording, raw_rate, recognizer.model.sample_rate, realtime)
        session = Session(recognizer, source, endpoint_seconds, live)
        error = session.listen(interruption)
    if output is not None and not (error and not session.seconds):
        style = Style(False, bool(readable), whole=False)
        label = recording_ids([name])[0] if file_format == "ctm" else name
        written = style.written(file_format, label, session.transcript())
        write_atomically(output, f"{written}\n" if written else "")
    if failure := error or session.closed:
        raise failure
    if interruption.number and recording is not None:
        ctx.exit(128 + interruption.number)


def _check_usage(given: SimpleNamespace, file_format: str) -> None:
    recording, is_microphone = given.recording, given.recording is None
    has_alternatives = given.format_name == "jsonl" or file_format == "json"
    refuse_if(
        (
            not is_microphone and (given.device is not None or given.rate is not None),
            "--device and --rate are for a microphone, not for --input",
        ),
        (is_microphone and (given.realtime or given.raw_rate), "--realtime and --raw need --input"),
        (
            recording == Path("-") and not given.raw_rate,
            "--input - needs --raw RATE; other formats are read from a file",
        ),
        (
            (given.num_hypotheses or 1) > 1 and not has_alternatives,
            "--n-best is for --format jsonl or -o with .json",
        ),
        (
            given.readable and given.output is not None and file_format not in READABLE_FORMATS,
            f"--readable is for -o as {', '.join(READABLE_FORMATS)}, not {file_format}",
        ),
    )


def _list_devices() -> None:
    from speechlstm.audio.microphone import input_devices

    devices = input_devices()
    if not devices:
        raise AudioError("microphone", "there is none; connect one")
    for device in devices:
        mark = "*" if device.is_default else " "
        channels = counted(device.num_channels, "channel")
        show(
            f"{mark}{device.number:>3}  {device.name}  ({device.host}, {channels}, "
            f"{device.sample_rate} Hz)"
        )


def _microphone(
    device: str | None, rate: int | None, preferred_rate: int
) -> "tuple[str, BlockSource]":
    from speechlstm.audio.microphone import Microphone
    from speechlstm.cli.listen.session import Watched

    microphone = Microphone(device, rate, preferred_rate)
    if sys.stderr is not None and sys.stderr.isatty():
        say(f"Listening to {microphone.name}; Ctrl-C ends")
    return microphone.name, Watched(microphone)


def _recording(
    recording: Path, raw_rate: int | None, sample_rate: int, realtime: bool
) -> "BlockSource":
    from speechlstm.audio import Blocks, RawPipe, RealTime, is_pipe, read_blocks

    source: BlockSource
    if raw_rate and recording == Path("-"):
        if sys.stdin is None:  # closed, as by <&-
            raise AudioError("-", "standard input is closed; pipe samples in, or give a file")
        source = RawPipe(sys.stdin.buffer, raw_rate)
    elif raw_rate and is_pipe(recording):
        source = RawPipe(recording.open("rb"), raw_rate)
    else:
        source = Blocks(read_blocks(recording, sample_rate, raw_rate), sample_rate)
    return RealTime(source) if realtime else source
