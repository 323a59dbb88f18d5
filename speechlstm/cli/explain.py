"""`speechlstm explain`: what led to the text of a recording."""

import os
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.options import bundle_option, channel_option, raw_option
from speechlstm.cli.output import name_of, say
from speechlstm.cli.recordings import seekable
from speechlstm.cli.training import load_keras
from speechlstm.cli.types import IntegerRange, NumberRange, OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import AudioError, DataError, printable, quoted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from speechlstm.bundle import Bundle
    from speechlstm.decoding.timed_words import Emission
    from speechlstm.explain import Explanation
    from speechlstm.explain.window import Window

_NUM_UNITS = 5
_SUFFIXES = {".txt": "text", ".html": "html", ".htm": "html", ".png": "png"}


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
@channel_option
@raw_option
@click.option(
    "--units",
    "num_units",
    type=IntegerRange(min=0),
    metavar="N",
    help="The units of each layer and direction whose gates are shown, from the one that forgets "
    "first to the one that forgets last.  [default: 5, as text 0]",
)
@click.option(
    "--saliency",
    "salient",
    metavar="WORD",
    multiple=True,
    help="Also show which parts of the spectrum this recognised word depends on, by the gradient "
    "through the network; may be given several times. Needs TensorFlow and some seconds.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "html", "png"]),
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
    salient: tuple[str, ...],
    format_name: str | None,
    output: Path | None,
) -> None:
    """Show how FILE became its text: what the network heard, what competed, and who decided.

    As text: each word with its confidence and the words that competed for its place; for the places
    in doubt (with --text: where the reference differs) what acoustic model, n-gram model and LSTM
    say of both; the most probable label of each step; how long each layer remembers. As a page
    (.html, one file that needs no network) or a picture (.png) also waveform, spectrogram, MFCC,
    the posteriors of characters and phones with the alignment, and the gates of some units. No
    TensorFlow is needed; a picture needs matplotlib: pip install 'speechlstm[train]'.

    Of a FILE of more than 30 s, the first 30 s are explained. They are cut into segments as
    transcribe does, of at most 20 s and where the level changes by much.

    \b
    Example:
      speechlstm explain data/samples/reading.wav
      speechlstm explain data/samples/reading.wav -o reading.html
      speechlstm explain lecture.mp3 --start 600 --end 615 --text "what was spoken there"
    """
    # Read when NumPy is loaded: two threads took twice the processor time for the recurrent layers,
    # step by step, and were no faster.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from speechlstm.audio import silence_codecs
    from speechlstm.bundle import find_bundle, read_bundle
    from speechlstm.explain import explain
    from speechlstm.explain.window import MAX_SECONDS, read_window
    from speechlstm.storage import write_atomically

    format_name = _checked_format(format_name, output, bool(salient))
    if end is not None and not start + 0.05 <= end <= start + MAX_SECONDS:
        raise click.UsageError(
            f"--end must be 0.05 to {MAX_SECONDS:g} s after --start, {start:g}, not {end:g}"
        )
    if salient:
        load_keras()  # what is not installed shows before the work
    contents = read_bundle(find_bundle(bundle))
    most = contents.acoustic.network.num_units
    if num_units is not None and num_units > most:
        raise click.UsageError(f"--units {num_units}: the layers have {most} units")
    silence_codecs()
    name = name_of(file)
    rate = contents.acoustic.features.sample_rate
    with seekable([file]) as (path,):
        try:
            window = read_window(path, rate, start, end, channel, raw_rate)
        except AudioError as error:
            raise AudioError(name, error.reason) from None
    _say_what_is_left_out(window, end, name)
    explanation = explain(window.audio, bundle, text, fast=fast, start=window.start, name=name)
    explanation = _with_saliency(explanation, contents, salient)
    content = _written(explanation, format_name, num_units)
    if output:
        write_atomically(output, content)
    else:
        click.echo(content, nl=False)
    if window.damage:
        say(f"Error: {name}: {window.damage.reason}")
        ctx.exit(1)


def _checked_format(name: str | None, output: Path | None, is_salient: bool) -> str:
    """The format, from --format or the suffix of -o."""
    name = name or _SUFFIXES[output.suffix.lower() if output and output.suffix else ".txt"]
    if name == "png" and output is None:
        raise click.UsageError("--format png needs -o FILE")
    if is_salient and name == "text":
        raise click.UsageError("--saliency is for pages and pictures: -o FILE.html or FILE.png")
    return name


def _with_saliency(
    explanation: "Explanation", bundle: "Bundle", salient: Sequence[str]
) -> "Explanation":
    """The explanation with what some of its words depend on."""
    if not salient:
        return explanation
    words = [explained.word for explained in explanation.words]
    if missing := set(salient) - {word.text for word in words}:
        raise DataError(f"{explanation.name}: {quoted(min(missing))} is not among the words")
    from speechlstm.explain import Saliency

    chosen = [word for word in words if word.text in salient]
    phones = explanation.heads[-1].is_decoded and len(explanation.heads) > 1
    gradients = _gradients(bundle, explanation, list(map(explanation.emissions, chosen)), phones)
    found = (Saliency(*pair) for pair in zip(chosen, gradients, strict=True))
    return replace(explanation, saliency=tuple(found))


def _gradients(
    bundle: "Bundle",
    explanation: "Explanation",
    paths: "Sequence[Sequence[Emission]]",
    phones: bool,
) -> "list[NDArray[np.float32]]":
    """The saliency of each path, which is 0 in the segments that it is not in."""
    import numpy as np

    from speechlstm.training.acoustic.saliency import saliency

    num_frames = len(explanation.spectrogram)
    gradients = [np.zeros((num_frames, bundle.acoustic.features.num_mels), np.float32)]
    gradients *= len(paths)
    firsts = [first for first, _ in explanation.segments]
    for (first, segment), last in zip(explanation.segments, [*firsts, inf][1:], strict=True):
        inside = [i for i, path in enumerate(paths) if path and first <= path[0].start < last]
        own = [
            [replace(e, start=e.start - first, stop=e.stop - first) for e in paths[i]]
            for i in inside
        ]
        found = saliency(bundle, segment, own, phones=phones) if inside else []
        start = first * bundle.acoustic.network.frame_stack
        for i, gradient in zip(inside, found, strict=True):
            rest = max(0, num_frames - start - len(gradient))
            gradients[i] = np.pad(gradient, ((start, rest), (0, 0)))[:num_frames]
    return gradients


def _written(explanation: "Explanation", format_name: str, num_units: int | None) -> str | bytes:
    """The explanation in a format."""
    if format_name == "text":
        from speechlstm.explain import to_text

        lines = to_text(explanation, num_units or 0).split("\n")
        return "".join(printable(line) + "\n" for line in lines)
    most = _NUM_UNITS if num_units is None else num_units
    if format_name == "png":
        from speechlstm.explain.picture import draw

        return draw(explanation, most)
    from speechlstm.explain.page import to_page
    from speechlstm.explain.panels import shown_units

    if explanation.layers and (shown := shown_units(explanation, most)) < most:
        say(f"shows {shown} units of each layer and direction: more would not fit in 3 MB")
    return to_page(explanation, most)


def _say_what_is_left_out(window: "Window", end: float | None, name: str) -> None:
    stop = window.start + window.audio.duration
    if not window.is_all and end is None:
        say(
            f"{name}: explains {window.start:g} to {stop:g} s; choose another part with --start "
            "and --end"
        )
