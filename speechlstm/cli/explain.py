"""`speechlstm explain`: what led to the text of a recording."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.options import NumberRange, OutputPath, bundle_option, raw_option
from speechlstm.cli.output import say, show_lines
from speechlstm.cli.pipes import seekable
from speechlstm.cli.verbs import verb
from speechlstm.errors import AudioError

if TYPE_CHECKING:
    from speechlstm.explain.window import Window

_SEGMENT_SECONDS = 20.0  # of read_segments
_SUFFIXES = {".txt": "text", ".png": "png"}


@verb()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--text", metavar="WORDS", help="What is spoken, to compare with what is recognised.")
@bundle_option
@click.option("--fast", is_flag=True, help="As of transcribe: without the LSTM language model.")
@click.option(
    "--start",
    type=NumberRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Where to begin.  [default: 0]",
)
@click.option(
    "--end",
    type=NumberRange(min=0),
    metavar="SECONDS",
    help="Where to end, at most 60 s later.  [default: the end, at most 30 s later]",
)
@click.option(
    "--channel",
    type=click.IntRange(min=1),
    metavar="N",
    help="The channel to use, counted from 1.  [default: the mean of all]",
)
@raw_option
@click.option(
    "--units",
    "num_units",
    type=click.IntRange(min=0),
    metavar="N",
    help="The units of each layer and direction whose gates are shown, from the one that forgets "
    "first to the one that forgets last.  [default: 5, as text 0]",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(sorted(_SUFFIXES.values())),
    help="[default: by the suffix of the output, or text]",
)
@click.option("-o", "--output", type=OutputPath(tuple(_SUFFIXES)), help="[default: stdout]")
@click.pass_context
def command(
    ctx: click.Context,
    file: Path,
    text: str | None,
    bundle: Path | None,
    fast: bool,
    start: float,
    end: float | None,
    channel: int | None,
    raw_rate: int | None,
    num_units: int | None,
    format_name: str | None,
    output: Path | None,
) -> None:
    """Show how FILE became its text: what the network heard, what competed, and who decided.

    As text: each word with its confidence and the words that competed for its place; for the places
    in doubt (with --text: where the reference differs) what acoustic model, n-gram model and LSTM
    say of both; the most probable label of each step; how long each layer remembers. As a picture
    also waveform, spectrogram, MFCC, the posteriors of characters and phones with the alignment,
    and the gates of some units. No TensorFlow is needed; a picture needs matplotlib: pip install
    'speechlstm[train]'.

    FILE is explained as a whole, its first 30 s if it is longer.

    \b
    Example:
      speechlstm explain data/samples/reading.wav
      speechlstm explain data/samples/reading.wav -o reading.png
      speechlstm explain lecture.mp3 --start 600 --end 615 --text "what was spoken there"
    """
    from speechlstm.audio import silence_codecs
    from speechlstm.bundle import find_bundle, read_bundle
    from speechlstm.explain import explain, to_text
    from speechlstm.explain.window import MAX_SECONDS, read_window
    from speechlstm.storage import write_atomically

    if end is not None and not start + 0.05 <= end <= start + MAX_SECONDS:
        raise click.UsageError(
            f"--end must be 0.05 to {MAX_SECONDS:g} s after --start, {start:g}, not {end:g}"
        )
    format_name = (
        format_name or _SUFFIXES[output.suffix.lower() if output and output.suffix else ".txt"]
    )
    if format_name == "png" and output is None:
        raise click.UsageError("--format png needs -o FILE")
    contents = read_bundle(find_bundle(bundle))
    most = contents.acoustic.network.num_units
    if num_units is not None and num_units > most:
        raise click.UsageError(f"--units {num_units}: the layers have {most} units")
    silence_codecs()
    name = click.format_filename(file)
    rate = contents.acoustic.features.sample_rate
    with seekable([file]) as (path,):
        try:
            window = read_window(path, rate, start, end, channel, raw_rate)
        except AudioError as error:
            raise AudioError(name, error.reason) from None
    _say_what_is_left_out(window, end, name)
    explanation = explain(window.audio, bundle, text, fast=fast, start=window.start, name=name)
    if format_name == "png" and output:
        from speechlstm.explain.picture import draw

        write_atomically(output, draw(explanation, 5 if num_units is None else num_units))
    elif output:
        write_atomically(output, to_text(explanation, num_units or 0) + "\n")
    else:
        show_lines(to_text(explanation, num_units or 0))
    if window.damage:
        say(f"Error: {name}: {window.damage.reason}")
        ctx.exit(1)


def _say_what_is_left_out(window: "Window", end: float | None, name: str) -> None:
    stop = window.start + window.audio.duration
    if not window.is_all and end is None:
        say(
            f"{name}: explains {window.start:g} to {stop:g} s; choose another part with --start "
            "and --end"
        )
    if window.audio.duration > _SEGMENT_SECONDS:
        say(
            f"{name}: is recognised as a whole here; transcribe cuts recordings of more than "
            f"{_SEGMENT_SECONDS:g} s at pauses, so its text may differ"
        )
