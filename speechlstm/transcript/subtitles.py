"""Subtitles: SRT and WebVTT."""

import html
from collections.abc import Callable, Iterator
from functools import partial

from speechlstm.errors import writable
from speechlstm.transcript.layout import DEFAULT_LAYOUT, Cue, SubtitleLayout, cues
from speechlstm.transcript.line_breaks import lines
from speechlstm.transcript.transcript import Transcript


def to_srt(file: str, transcript: Transcript, layout: SubtitleLayout = DEFAULT_LAYOUT) -> str:
    """Subtitles in SubRip's format: number, times and lines of text each.

    Each subtitle begins with the number of its channel or speaker, if there are any.
    """
    numbered = enumerate(cues(transcript, layout), start=1)
    return "\n".join(f"{number}\n{_srt_cue(cue, layout)}" for number, cue in numbered).rstrip()


def to_vtt(file: str, transcript: Transcript, layout: SubtitleLayout = DEFAULT_LAYOUT) -> str:
    """Subtitles in W3C's WebVTT format; channels and speakers become voices.

    With highlight_words, there is a cue for each word, in which that word is underlined.
    """
    written = (part for cue in cues(transcript, layout) for part in _vtt_cues(cue, layout))
    return "\n".join(["WEBVTT\n", *written]).rstrip()


def _srt_cue(cue: Cue, layout: SubtitleLayout) -> str:
    times = f"{clock(cue.start, ',')} --> {clock(cue.end, ',')}"
    return f"{times}\n{_text(cue, layout, str, label=cue.label)}\n"


def _vtt_cues(cue: Cue, layout: SubtitleLayout) -> Iterator[str]:
    label = "" if cue.channel is None else f"<v Channel {cue.channel}>"
    if cue.spoken and cue.spoken[0].speaker is not None:
        label = f"<v Speaker {cue.spoken[0].speaker}>"
    starts = [cue.start]
    if layout.highlight_words:
        starts += [max(cue.start, min(item.start, cue.end)) for item in cue.spoken[1:]]
    for index, (start, end) in enumerate(zip(starts, [*starts[1:], cue.end], strict=True)):
        times = f"{clock(start)} --> {clock(end)}"
        if layout.highlight_words and clock(start) == clock(end):
            continue
        spoken = index if layout.highlight_words and cue.spoken else None
        yield f"{times}\n{label}{_text(cue, layout, partial(html.escape, quote=False), spoken)}\n"


def _text(
    cue: Cue,
    layout: SubtitleLayout,
    escape: Callable[[str], str],
    underlined: int | None = None,
    label: str = "",
) -> str:
    """The lines of a subtitle after a label, with one of its words underlined."""
    if cue.text is not None and underlined is None:
        return "\n".join(escape(writable(line.replace("\t", " "))) for line in cue.text.split("\n"))
    return "\n".join(
        " ".join(
            f"<u>{escape(text)}</u>" if index == underlined else escape(text)
            for index, text in line
        )
        for line in lines(cue.spoken, layout.max_line_width, label)
    )


def clock(seconds: float, point: str = ".") -> str:
    """A time as hours, minutes, seconds and milliseconds.

    >>> clock(62.34)
    '00:01:02.340'
    """
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    rest = f"{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest}"
