"""`speechlstm align`: when each word of a known text is spoken."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from speechlstm.cli.decoding import load_recognizer
from speechlstm.cli.known_text import known_text
from speechlstm.cli.options import output_format
from speechlstm.cli.output import name_of, say
from speechlstm.cli.recordings import seekable_file
from speechlstm.cli.subtitles import check_layout, subtitle_options
from speechlstm.cli.types import OutputPath
from speechlstm.cli.verbs import verb
from speechlstm.errors import counted, quoted
from speechlstm.transcript import Transcript, Word
from speechlstm.transcript.formats import FORMATS, SPEAKER_FORMATS, SUBTITLES
from speechlstm.transcript.layout import DEFAULT_LAYOUT, SubtitleLayout
from speechlstm.transcript.subtitles import clock

if TYPE_CHECKING:
    from speechlstm.text.alphabet import Alphabet

_MOST_WARNINGS, _MOST_PASSAGES = 20, 5


@verb()
@known_text
@click.option(
    "--format",
    "format_name",
    type=click.Choice([name for name in FORMATS if name not in ("text", *SPEAKER_FORMATS)]),
    help="ctm: NIST's CTM, one word a line; textgrid: Praat's TextGrid; srt, vtt: subtitles; json: "
    "one object.  [default: by the suffix of the output, or ctm]",
)
@subtitle_options
@click.option("-o", "--output", type=OutputPath(), help="[default: stdout]")
def command(
    audio: Path,
    content: str,
    bundle: Path | None,
    channel: int | None,
    raw_rate: int | None,
    format_name: str | None,
    layout: SubtitleLayout | None,
    output: Path | None,
) -> None:
    """Print when each word of a known text is spoken in AUDIO.

    TEXT is a UTF-8 file with everything that is spoken, or subtitles (SRT or WebVTT) to be timed
    anew; -: standard input, for one of the two. Lines, capitals and punctuation stay as they are:
    each line becomes a subtitle, or each of the old subtitles a new one. A text in a single line is
    cut into subtitles, as are lines if a limit of them is given (--max-line-width and so on).
    Numbers are better written out: figures are timed by what is spoken between their neighbours.

    The recording may have more than the text, and the text more than the recording: words that are
    not spoken are named on stderr and have no time (no line of CTM, no interval of TextGrid, no
    subtitle), as are lines that seem doubtful (the geometric mean posterior of their words is below
    0.07). Lines in brackets, such as [music], and marks become subtitles between those around them
    if there is room. A recording may last hours.

    \b
    Example:
      speechlstm align interview.wav interview.txt -o interview.TextGrid
      speechlstm align film.wav old.srt -o new.srt
      speechlstm align data/samples/date.wav --text "july fourth seventeen seventy six"
    """
    from speechlstm.storage import write_atomically

    format_name = output_format(format_name, output, "ctm", SPEAKER_FORMATS)
    check_layout(layout, [format_name])
    recognizer = load_recognizer(bundle, {"greedy": True})
    name = name_of(audio)
    with seekable_file(audio) as path:
        transcript = recognizer.align_file(path, content, channel, raw_rate)
    _warn_of_symbols(content, recognizer.model.characters.alphabet)
    _warn(transcript)
    written = _written(format_name, name, transcript, layout)
    if output:
        write_atomically(output, written + "\n")
    else:
        click.echo(written)


def _warn_of_symbols(text: str, alphabet: "Alphabet") -> None:
    """Name words with symbols that the alphabet lacks."""
    from speechlstm.recognizer.aligning import unspellable
    from speechlstm.text.written import read_written

    words = [word for line in read_written(text) for word in line.words]
    if others := unspellable(words, alphabet):
        named = ", ".join(quoted(word.text) for word in others[:5])
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        say(
            f"Warning: {named}{more}: have symbols that the alphabet lacks; their times are those "
            "of what is spoken between their neighbours; write numbers out"
        )


def _warn(transcript: Transcript) -> None:
    """Name the words and lines that do not seem to be spoken."""
    from speechlstm.recognizer.aligning import LEAST_CONFIDENCE, doubtful_lines

    doubtful = doubtful_lines(transcript)
    for line in doubtful[:_MOST_WARNINGS]:
        where = f"Warning: line {line.number} at {clock(line.start)}:"
        if passages := _left_out(line.words):
            named = ", ".join(map(quoted, passages[:_MOST_PASSAGES]))
            num_more = len(passages) - _MOST_PASSAGES
            more = f" and {counted(num_more, 'passage')} more" if num_more > 0 else ""
            say(f"{where} not spoken: {named}{more}")
        else:
            say(
                f"{where} text and sound disagree (mean posterior {line.confidence:.2f}, below "
                f"{LEAST_CONFIDENCE:g}): {quoted(line.text)}"
            )
    if num_more := len(doubtful) - _MOST_WARNINGS if len(doubtful) > _MOST_WARNINGS else 0:
        say(f"Warning: and {counted(num_more, 'line')} more")


def _left_out(words: Sequence[Word]) -> list[str]:
    """The passages that are not spoken."""
    runs = groupby(words, key=lambda word: word.is_spoken)
    return [" ".join(word.text for word in run) for is_spoken, run in runs if not is_spoken]


def _written(
    format_name: str, name: str, transcript: Transcript, layout: SubtitleLayout | None
) -> str:
    from speechlstm.audio import recording_ids

    if format_name not in SUBTITLES:
        label = recording_ids([name])[0] if format_name == "ctm" else name
        return FORMATS[format_name](label, transcript)
    layout = layout or DEFAULT_LAYOUT
    keeps_lines = layout.keeps_lines and len(transcript.lines) > 1
    return SUBTITLES[format_name](name, transcript, replace(layout, keeps_lines=keeps_lines))
