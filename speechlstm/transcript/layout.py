"""How words become subtitles: where each ends, and how long it stands.

The breaks between them, and those between lines (`line_breaks`), are those of least cost over all
possible ones (Knuth and Plass, "Breaking paragraphs into lines", 1981): after punctuation and
pauses rather than within a phrase, and not after a short word, which mostly belongs to the next
one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from math import inf, isfinite
from typing import get_type_hints

from speechlstm.arguments import check_argument, plain
from speechlstm.errors import ConfigError
from speechlstm.transcript.line_breaks import (
    SENTENCE_ENDS,
    Spoken,
    break_cost,
    ends_with,
    filled_lines,
    label_pieces,
    lines,
    pieces_of,
)
from speechlstm.transcript.transcript import Transcript
from speechlstm.transcript.words import AlignedLine, Word

SHORTEST_CUE = 0.04  # seconds; a picture of a film
_RUN_PAUSE = 1.0  # seconds; a subtitle ends at a longer pause
_SOUND = re.compile(r"\[[^][]*\]|\([^()]*\)")  # that a subtitle describes, such as "[music]"

# What subtitles cost, besides the breaks. One more subtitle costs 1.
_WITHIN_SENTENCE = 3.0  # a sentence of some length ends within the subtitle
_TOO_SHORT = 20.0  # it stands for less than the minimum
_UNFILLED = 0.5


@dataclass(frozen=True)
class SubtitleLayout:
    """The limits of a subtitle. The defaults follow the guidelines of the BBC and of Netflix.

    >>> SubtitleLayout(max_line_width=32).max_line_count
    2

    Attributes:
        max_line_width: Characters in a line, with those of a channel or speaker; longer words are
            cut.
        max_line_count: Lines of a subtitle. A word that needs more is cut into several subtitles.
        min_cue_seconds: How long a subtitle stands at least, unless the next one begins before.
        max_cue_seconds: How long it stands at most.
        highlight_words: Whether WebVTT underlines each word while it is said.
        keeps_lines: Whether each line of a text that was aligned is a subtitle, as it is written,
            whatever its length. If not, long ones are cut. What is not spoken has no subtitle.

    Raises:
        ConfigError: A value is out of range.
    """

    max_line_width: int = 42
    max_line_count: int = 2
    min_cue_seconds: float = 0.8
    max_cue_seconds: float = 7.0
    highlight_words: bool = False
    keeps_lines: bool = True

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            value = plain(getattr(self, field.name))
            object.__setattr__(self, field.name, value)
            is_endless = isinstance(value, float) and value == inf
            if not (is_endless and field.name == "max_cue_seconds"):
                check_argument(field.name, value, hints[field.name])
        for name in ("max_line_width", "max_line_count"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}: must be at least 1, is {getattr(self, name)}")
        shortest, longest = self.min_cue_seconds, self.max_cue_seconds
        if not (isfinite(shortest) and 0 <= shortest <= longest and longest >= SHORTEST_CUE):
            raise ConfigError(
                "min_cue_seconds, max_cue_seconds: must be in this order, and at least 0 and "
                f"{SHORTEST_CUE}, are {shortest:g} and {longest:g}"
            )


DEFAULT_LAYOUT = SubtitleLayout()


@dataclass(frozen=True)
class Cue:
    """A subtitle.

    Attributes:
        start: When it appears, in seconds.
        end: When it disappears, in seconds.
        spoken: Its words, or pieces of readable text, of one channel and one speaker.
        text: Its lines, if they are given by the text that was aligned.
    """

    start: float
    end: float
    spoken: tuple[Spoken, ...]
    text: str | None = None

    @property
    def channel(self) -> int | None:
        """The number of the channel; None: not known."""
        return self.spoken[0].channel if self.spoken else None

    @property
    def label(self) -> str:
        """What is written before its text: see label_of."""
        return label_of(self.spoken[0]) if self.spoken else ""


def label_of(spoken: Spoken) -> str:
    """Who speaks, to be written before a text: "Speaker 2: ", or "2: " for a channel, or "".

    >>> label_of(Word("yes", 0.1, 0.5, 0.9, speaker=2))
    'Speaker 2: '
    """
    if spoken.speaker is not None:
        return f"Speaker {spoken.speaker}: "
    return "" if spoken.channel is None else f"{spoken.channel}: "


def cues(transcript: Transcript, layout: SubtitleLayout = DEFAULT_LAYOUT) -> list[Cue]:
    """The subtitles of a transcript, in the order in which they appear.

    Those of one channel never overlap.
    """
    if transcript.lines:
        return _of_lines(transcript, layout)
    if not transcript.channels and not transcript.has_speakers:
        spoken = transcript.words if transcript.tokens is None else transcript.tokens
        return _shown(_cut(spoken, layout), layout)
    channels: dict[int | None, list[Cue]] = {}
    for turn in transcript.written_turns:
        channels.setdefault(turn[0].channel, []).extend(_cut(turn, layout))
    shown = [cue for cut in channels.values() for cue in _shown(cut, layout)]
    return sorted(shown, key=lambda cue: cue.start)


def _of_lines(transcript: Transcript, layout: SubtitleLayout) -> list[Cue]:
    """The subtitles of an aligned text: what is spoken of it, and marks and sounds in brackets.

    Marks and sounds stand between the subtitles before and after them, if there is room.
    """
    spoken: list[Cue] = []
    sounds: dict[int, list[AlignedLine]] = {}  # by the number of subtitles before them
    for line in transcript.lines:
        words = tuple(word for word in line.words if word.is_spoken)
        if words and layout.keeps_lines:
            spoken.append(Cue(line.start, line.end, words, line.text))
        elif words:
            spoken += _cut(words, layout)
        elif not line.words or _SOUND.fullmatch(line.text):
            sounds.setdefault(len(spoken), []).append(line)
    shown = _shown(spoken, replace(layout, max_cue_seconds=inf) if layout.keeps_lines else layout)
    between: list[Cue] = []
    for place, group in sounds.items():
        start = shown[place - 1].end if place else 0.0
        end = shown[place].start if place < len(shown) else transcript.duration
        seconds = (end - start) / len(group)
        for number, line in enumerate(group):
            between += _of_sound(line.text, start + number * seconds, seconds, layout)
    return sorted([*shown, *between], key=lambda cue: cue.start)


def _of_sound(text: str, start: float, room: float, layout: SubtitleLayout) -> list[Cue]:
    """The subtitles of marks, or of a sound in brackets: as many as the limits make, one by one.

    None if they have too little room, in seconds.
    """
    pieces = [text]
    if not layout.keeps_lines:
        cut = _cut((Word(text, 0.0, SHORTEST_CUE, 1.0),), layout)
        broken = (lines(cue.spoken, layout.max_line_width) for cue in cut)
        pieces = ["\n".join(" ".join(t for _, t in line) for line in shown) for shown in broken]
    seconds = min(room / len(pieces), layout.max_cue_seconds)
    if seconds < max(layout.min_cue_seconds, SHORTEST_CUE):
        return []
    starts = (start + seconds * number for number in range(len(pieces)))
    return [Cue(s, s + seconds, (), piece) for s, piece in zip(starts, pieces, strict=True)]


def _shown(spoken: Sequence[Cue], layout: SubtitleLayout) -> list[Cue]:
    """Subtitles with the times at which they stand, from the times of their words.

    One that is too short stands longer, the last one beyond the end of the recording if need be.
    One that begins less than SHORTEST_CUE after another one appears that long after it.
    """
    starts: list[float] = []
    for cue in spoken:
        starts.append(max(cue.start, starts[-1] + SHORTEST_CUE if starts else 0.0))
    shortest = max(layout.min_cue_seconds, SHORTEST_CUE)
    shown = []
    for cue, start, latest in zip(spoken, starts, [*starts, inf][1:], strict=True):
        end = min(cue.end, start + layout.max_cue_seconds)
        shown.append(replace(cue, start=start, end=min(max(end, start + shortest), latest)))
    return shown


def _cut(words: Sequence[Spoken], layout: SubtitleLayout) -> list[Cue]:
    """Cut words into subtitles that stand while they are said."""
    cut: list[Cue] = []
    for run in _runs([part for word in words for part in _parts(word, layout)]):
        # best[i]: the cost of the words from i on, and where the first of their subtitles ends
        best: list[tuple[float, int]] = [(inf, 0)] * len(run) + [(0.0, len(run))]
        for start in reversed(range(len(run))):
            for end, cost in _possible(run, start, layout):
                if cost + best[end][0] <= best[start][0]:
                    best[start] = cost + best[end][0], end
        start = 0
        while start < len(run):
            end = best[start][1]
            cut.append(Cue(run[start].start, run[end - 1].end, tuple(run[start:end])))
            start = end
    return cut


def _parts(item: Spoken, layout: SubtitleLayout) -> list[Spoken]:
    """A word, or parts of it that share its time if it has too many characters for a subtitle."""
    width, pieces = layout.max_line_width, pieces_of(item.text, layout.max_line_width)
    label = label_pieces(label_of(item), width)
    if filled_lines([*label, *pieces], width)[0] <= layout.max_line_count:
        return [item]
    size = max(1, layout.max_line_count - len(label))
    texts = [" ".join(pieces[i : i + size]) for i in range(0, len(pieces), size)]
    seconds = (item.end - item.start) / len(texts)
    edges = [item.start + seconds * index for index in range(len(texts))]
    confidence = item.confidence if isinstance(item, Word) else 1.0
    return [
        Word(text, *times, confidence, item.channel, item.speaker)
        for text, times in zip(texts, pairwise([*edges, item.end]), strict=True)
    ]


def _runs(words: Sequence[Spoken]) -> Iterator[Sequence[Spoken]]:
    """Words without a long pause between them."""
    start = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or words[index].start - words[index - 1].end > _RUN_PAUSE:
            if words[start:index]:
                yield words[start:index]
            start = index


def _possible(
    run: Sequence[Spoken], start: int, layout: SubtitleLayout
) -> Iterator[tuple[int, float]]:
    """Where a subtitle from a word on may end, and what it costs. One word is always possible."""
    width = layout.max_line_width
    filled = filled_lines(label_pieces(label_of(run[start]), width), width)
    num_characters, sentence = 0, 0.0
    for end in range(start + 1, len(run) + 1):
        filled = filled_lines(pieces_of(run[end - 1].text, width), width, filled)
        is_long = run[end - 1].end - run[start].start > layout.max_cue_seconds
        if end > start + 1 and (filled[0] > layout.max_line_count or is_long):
            return
        num_characters += len(run[end - 1].text) + 1
        yield end, sentence + _cost(run, start, end, num_characters, layout)
        is_end = ends_with(run[end - 1].text, SENTENCE_ENDS)
        if is_end and num_characters > layout.max_line_width // 2:
            sentence = _WITHIN_SENTENCE


def _cost(
    run: Sequence[Spoken], start: int, end: int, num_characters: int, layout: SubtitleLayout
) -> float:
    fill = min(1.0, num_characters / (layout.max_line_width * layout.max_line_count))
    cost = 1 + _UNFILLED * (1 - fill) ** 2
    if end < len(run):
        cost += break_cost(run[end - 1].text, run[end].start - run[end - 1].end)
        seconds = run[end].start - run[start].start
        if seconds < layout.min_cue_seconds:
            cost += _TOO_SHORT * (1 - seconds / layout.min_cue_seconds)
    return cost
