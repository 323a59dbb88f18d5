"""Texts as people write them: lines, capitals and punctuation, with the words that are spoken."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from speechlstm.text.normalize import normalize

_CLOCK = r"(?:\d{1,6}:)?\d{1,6}:\d\d(?:[.,]\d{1,9})?"
_TIMES = re.compile(rf"\s*(?P<start>{_CLOCK})\s*-->\s*(?P<end>{_CLOCK})(\s.*)?")
_TAG = re.compile(r"</?[A-Za-z0-9.][^<>]*>|\{\\[^{}]*\}")
_ENTITY = re.compile(r"&(?:[A-Za-z]+|#\d+|#x[0-9a-fA-F]+);")  # in SRT that was made of HTML


@dataclass(frozen=True)
class WrittenWord:
    """A word as it is written, with the punctuation around it.

    Attributes:
        text: What is written, without white space at its ends.
        spoken: The normalised words, at least one: those of "T-shirt" are "t" and "shirt".
    """

    text: str
    spoken: tuple[str, ...]


@dataclass(frozen=True)
class WrittenLine:
    """A line of a text, or a subtitle.

    Attributes:
        text: What is written; a subtitle may have several lines.
        words: Its words; none if there are only marks, as in a row of stars.
        number: The number of its first line in the text, from 1.
    """

    text: str
    words: tuple[WrittenWord, ...]
    number: int


def read_written(text: str) -> tuple[WrittenLine, ...]:
    r"""The lines of a text that are not empty; of SRT or WebVTT, the subtitles.

    A text is SRT or WebVTT if a line of it has the times of a subtitle ("00:00:01,000 -->
    00:00:02,500"). Numbers, times and markup are left out.

    >>> [line.text for line in read_written("One, two.\n\nThree!")]
    ['One, two.', 'Three!']
    >>> [line.text for line in read_written("1\n00:00:01,000 --> 00:00:02,500\n<i>One</i>")]
    ['One']
    """
    numbered = list(enumerate(text.removeprefix("\ufeff").splitlines(), start=1))
    if any(_TIMES.fullmatch(line) for _, line in numbered):
        return tuple(
            WrittenLine(subtitle.text, tuple(_words(subtitle.text)), subtitle.number)
            for subtitle in timed_subtitles(text)
        )
    return tuple(
        WrittenLine(line.strip(), tuple(_words(line)), number)
        for number, line in numbered
        if line.strip()
    )


@dataclass(frozen=True)
class Subtitle:
    """A subtitle of SRT or WebVTT.

    Attributes:
        start: In seconds.
        end: In seconds.
        text: What is shown, without markup; it may have several lines.
        number: The number of the line with its times, from 1.
    """

    start: float
    end: float
    text: str
    number: int


def timed_subtitles(text: str) -> Iterator[Subtitle]:
    r"""The subtitles of SRT or WebVTT that are not empty.

    >>> next(timed_subtitles("1\n00:00:01,000 --> 00:01:02,500\n<i>One</i>\n"))
    Subtitle(start=1.0, end=62.5, text='One', number=2)
    """
    numbered = list(enumerate(text.removeprefix("\ufeff").splitlines(), start=1))
    is_vtt = numbered[0][1].startswith("WEBVTT") if numbered else False
    for number, times, shown in _vtt_cues(numbered) if is_vtt else _srt_cues(numbered):
        lines = [_TAG.sub("", line).strip() for line in shown]
        content = "\n".join(line for line in lines if line)
        content = html.unescape(content) if is_vtt else _ENTITY.sub(_unescaped, content)
        if content:
            yield Subtitle(_seconds(times["start"]), _seconds(times["end"]), content, number)


def _unescaped(entity: re.Match[str]) -> str:
    return html.unescape(entity[0])


def _seconds(clock: str) -> float:
    """A time as seconds: hours, if there are any, minutes and seconds."""
    seconds = 0.0
    for field in clock.replace(",", ".").split(":"):
        seconds = 60 * seconds + float(field)
    return seconds


# The number of the line with the times, the times, and the lines of the text.
_Cue = tuple[int, re.Match[str], list[str]]


def _vtt_cues(numbered: list[tuple[int, str]]) -> Iterator[_Cue]:
    """The subtitles of WebVTT, each of which ends at an empty line or at the next times."""
    cue: _Cue | None = None
    for number, line in numbered:
        times = _TIMES.fullmatch(line)
        if cue and (times or not line.strip()):
            yield cue
            cue = None
        if times:
            cue = number, times, []
        elif cue:
            cue[2].append(line)
    if cue:
        yield cue


def _srt_cues(numbered: list[tuple[int, str]]) -> Iterator[_Cue]:
    """The subtitles of SRT, each of which ends before the number and times of the next one.

    So a text may have empty lines, and there need be none between two subtitles.
    """
    starts = [i for i, (_, line) in enumerate(numbered) if _TIMES.fullmatch(line)]
    for start, stop in pairwise([*starts, len(numbered)]):
        shown = [line for _, line in numbered[start + 1 : stop]]
        if stop < len(numbered) and shown and shown[-1].strip().isdecimal():
            shown.pop()
        number, line = numbered[start]
        if times := _TIMES.fullmatch(line):
            yield number, times, shown


def _words(line: str) -> Iterator[WrittenWord]:
    """The words of a line. Marks that stand alone go with the word before, or else after, them."""
    words: list[tuple[str, list[str]]] = []
    for token in line.split():
        spoken = normalize(token).split()
        if words and (not spoken or not words[-1][1]):
            text, before = words[-1]
            words[-1] = f"{text} {token}", before + spoken
        else:
            words.append((token, spoken))
    return (WrittenWord(text, tuple(spoken)) for text, spoken in words if spoken)
