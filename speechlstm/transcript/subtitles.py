"""Subtitles: SRT and WebVTT."""

import html
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence

from speechlstm.errors import printable
from speechlstm.transcript.types import Token, Transcript, Word

# Limits of a subtitle, from the guidelines of the BBC and of Netflix.
_LINE_CHARACTERS = 42
_CUE_LINES = 2
_CUE_SECONDS = 7.0
_CUE_PAUSE = 1.0

Spoken = Word | Token


def to_srt(file: str, transcript: Transcript) -> str:
    """Subtitles in SubRip's format: number, times and at most two lines of text each.

    If the channels were transcribed separately, each subtitle begins with its channel's number.
    """
    numbered = enumerate(cues(transcript), start=1)
    return "\n".join(
        f"{number}\n{_subtitle(words, ',', '{}: ')}" for number, words in numbered
    ).rstrip()


def to_vtt(file: str, transcript: Transcript) -> str:
    """Subtitles in W3C's WebVTT format; channels become voices."""
    written = (
        _subtitle(spoken, ".", "<v Channel {}>", _escape_markup) for spoken in cues(transcript)
    )
    return "\n".join(["WEBVTT\n", *written]).rstrip()


def cues(transcript: Transcript) -> list[list[Spoken]]:
    """Words that share a subtitle, in the order in which they start. A subtitle has one channel."""
    if not transcript.channels:
        return list(_cues_of(transcript.words if transcript.tokens is None else transcript.tokens))
    of_turns = [cue for turn in transcript.written_turns for cue in _cues_of(turn)]
    return sorted(of_turns, key=lambda cue: cue[0].start)


def _cues_of(words: Iterable[Spoken]) -> Iterator[list[Spoken]]:
    """Words that share a subtitle: without a pause between them, and within a subtitle's limits.

    A sentence of some length ends a subtitle.
    """
    cue: list[Spoken] = []
    for word in words:
        if cue and (
            word.start - cue[-1].end > _CUE_PAUSE
            or word.end - cue[0].start > _CUE_SECONDS
            or len(_wrapped([*cue, word])) > _CUE_LINES
            or _is_sentence(cue)
        ):
            yield cue
            cue = []
        cue.append(word)
    if cue:
        yield cue


def _is_sentence(cue: Sequence[Spoken]) -> bool:
    """Whether readable text ends a sentence here, and is long enough to stand alone."""
    is_end = isinstance(cue[-1], Token) and cue[-1].text.endswith((".", "?", "!"))
    return is_end and sum(len(word.text) + 1 for word in cue) > _LINE_CHARACTERS // 2


def _wrapped(words: Iterable[Spoken]) -> list[str]:
    return textwrap.wrap(" ".join(printable(word.text) for word in words), _LINE_CHARACTERS)


def _escape_markup(line: str) -> str:
    return html.escape(line, quote=False)


def _subtitle(
    words: list[Spoken], point: str, label: str, escape: Callable[[str], str] = str
) -> str:
    times = f"{clock(words[0].start, point)} --> {clock(words[-1].end, point)}"
    channel = words[0].channel
    first, *others = map(escape, _wrapped(words))
    named = first if channel is None else label.format(channel) + first
    return "\n".join([times, named, *others, ""])


def clock(seconds: float, point: str = ".") -> str:
    """A time as hours, minutes, seconds and milliseconds: 00:01:02.340."""
    minutes, milliseconds = divmod(round(1000 * seconds), 60_000)
    rest = f"{milliseconds // 1000:02}{point}{milliseconds % 1000:03}"
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest}"
