"""Formats that transcripts are written in: text, JSON, CTM, RTTM, TextGrid, SRT and WebVTT."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from speechlstm.errors import UNPRINTABLE, printable, writable
from speechlstm.transcript.layout import cues, label_of
from speechlstm.transcript.rttm import rttm_lines, speaker_turns
from speechlstm.transcript.subtitles import clock, to_srt, to_vtt
from speechlstm.transcript.transcript import Transcript
from speechlstm.transcript.words import AlignedLine, Hypothesis, Token, Word

Format = Callable[[str, Transcript], str]  # (file name, transcript) -> lines, without a final "\n"


def to_text(file: str, transcript: Transcript) -> str:
    """The best hypothesis in one line: readable text, if there is any.

    If the channels were transcribed separately, or speakers were told apart: one line for each
    turn, after the number of its channel or speaker.
    """
    if not transcript.channels and not transcript.has_speakers:
        return printable(transcript.readable)
    return "\n".join(
        printable(label_of(turn[0]) + " ".join(item.text for item in turn))
        for turn in transcript.written_turns
    )


def to_timed_text(file: str, transcript: Transcript) -> str:
    """Lines of a few words, with their times, and with the number of their channel or speaker.

    A line has what a subtitle would have.

    >>> words = (Word("yes", 0.1, 0.5, 0.9),)
    >>> to_timed_text("a", Transcript((Hypothesis("yes", words, -1.0),), 0.6))
    '[00:00:00.100 --> 00:00:00.500] yes'
    """
    return "\n".join(_timed_line(cue.spoken) for cue in cues(transcript) if cue.spoken)


def _timed_line(spoken: Sequence[Word | Token]) -> str:
    text = " ".join(item.text for item in spoken)
    times = f"{clock(spoken[0].start)} --> {clock(spoken[-1].end)}"
    return f"[{times}] {label_of(spoken[0])}{printable(text)}"


def to_json(file: str, transcript: Transcript) -> str:
    """One line with a JSON object: the file's name ("file") and the values of to_dict."""
    return json_line({"file": file} | to_dict(transcript))


def to_dict(transcript: Transcript) -> dict[str, Any]:
    """A transcript as plain JSON values: times in seconds, confidences in 0..1, natural log_probs.

    The dict holds the text, words, log_prob and lm_log_prob of the best hypothesis. "alternatives"
    holds the other hypotheses; "calibrated" is true if confidences are probabilities. If the
    recording is damaged, "lost" holds the start and end of each part that is missing. If the
    channels were transcribed separately, "channels" holds such a dict for each. Of readable text,
    "readable" holds all and "tokens" the pieces, each with the indices of its words in "words". If
    a text was aligned, "lines" holds its lines, and words that are not spoken have "spoken": false
    and last no time. If speakers were told apart, each word has the number of its "speaker", and
    "turns" holds what each says until another speaks.

    >>> words = (Word("yes", 0.1, 0.5, 0.9),)
    >>> to_dict(Transcript((Hypothesis("yes", words, -1.0),), 0.6))["words"]
    [{'text': 'yes', 'start': 0.1, 'end': 0.5, 'confidence': 0.9}]
    """
    best, *others = map(_hypothesis_to_dict, transcript.hypotheses)
    values = {"text": best.pop("text"), "duration": round(transcript.duration, 3)}
    if transcript.tokens is not None:
        values |= {"readable": transcript.readable, "tokens": _tokens_to_list(transcript)}
    if transcript.lines:
        values["lines"] = [_line_to_dict(line) for line in transcript.lines]
    if transcript.has_speakers:
        values["turns"] = list(map(_turn_to_dict, transcript.written_turns))
    if transcript.lost:
        values["lost"] = [[round(start, 3), round(end, 3)] for start, end in transcript.lost]
    values |= best | {"calibrated": transcript.is_calibrated, "alternatives": others}
    if transcript.channels:
        values["channels"] = [
            {"channel": number} | to_dict(channel)
            for number, channel in enumerate(transcript.channels, start=1)
        ]
    return values


def json_line(values: object) -> str:
    r"""A JSON value in one line, with letters unescaped and control characters escaped.

    >>> json_line({"text": "föhn\u2028"}) == '{"text": "föhn\\u2028"}'
    True
    """
    written = json.dumps(values, ensure_ascii=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def to_ctm(file: str, transcript: Transcript) -> str:
    """NIST's time-marked words (CTM): file, channel, start, duration, word and confidence.

    Each word that is spoken has a line, so silence has none. Give the file as
    `speechlstm.audio.recording_ids` names it. The lines are ordered by channel and then by time, as
    sclite requires.

    >>> words = (Word("yes", 0.1, 0.5, 0.9),)
    >>> to_ctm("a", Transcript((Hypothesis("yes", words, -1.0),), 0.6))
    'a 1 0.100 0.400 yes 0.9000'
    """
    name = ctm_field(file)
    spoken = (word for word in transcript.words if word.is_spoken)
    words = sorted(spoken, key=lambda word: word.channel or 1)
    return "\n".join(
        f"{name} {word.channel or 1} {word.start:.3f} "
        f"{round(word.end, 3) - round(word.start, 3):.3f} {ctm_field(word.text, writable)} "
        f"{word.confidence:.4f}"
        for word in words
    )


def ctm_field(text: str, escape: Callable[[str], str] = printable) -> str:
    """One field of a line. Spaces separate fields, and two semicolons start a comment."""
    return "_".join(escape(" ".join(text.split())).split(" ")).replace(";;", "__") or "_"


def to_rttm(file: str, transcript: Transcript) -> str:
    """NIST's RTTM: who speaks when, one turn a line. Silence has no line.

    Give the file as `speechlstm.audio.recording_ids` names it.

    >>> words = (Word("yes", 0.1, 0.5, 0.9, speaker=1),)
    >>> to_rttm("a", Transcript((Hypothesis("yes", words, -1.0),), 0.6))
    'SPEAKER a 1 0.100 0.400 <NA> <NA> speaker1 <NA> <NA>'
    """
    return "\n".join(rttm_lines(ctm_field(file), speaker_turns(transcript.words)))


def to_textgrid(file: str, transcript: Transcript) -> str:
    """Praat's TextGrid in its long form, with an interval tier "words"; pauses are empty intervals.

    Each channel that was transcribed separately has its own tier, as has each speaker. Source:
    Praat's manual, "TextGrid file formats".
    """
    tiers = {"words": transcript.words}
    if transcript.has_speakers:
        numbers = sorted({word.speaker or 0 for word in transcript.words})
        tiers = {
            f"speaker {number}": tuple(w for w in transcript.words if w.speaker == number)
            for number in numbers
        }
    if transcript.channels:
        tiers = {
            f"channel {number}": channel.words
            for number, channel in enumerate(transcript.channels, start=1)
        }
    end = round(transcript.duration, 3)
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {end}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, words) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{number}]:", *_tier(name, words, end)]
    return "\n".join(lines)


def _tier(name: str, words: tuple[Word, ...], end: float) -> Iterator[str]:
    intervals = list(_intervals(words, end))
    yield '        class = "IntervalTier"'
    yield f'        name = "{name}"'
    yield "        xmin = 0"
    yield f"        xmax = {end}"
    yield f"        intervals: size = {len(intervals)}"
    for number, (start, stop, text) in enumerate(intervals, start=1):
        quoted = writable(text).replace('"', '""')
        yield f"        intervals [{number}]:"
        yield f"            xmin = {start}"
        yield f"            xmax = {stop}"
        yield f'            text = "{quoted}"'


def _hypothesis_to_dict(hypothesis: Hypothesis) -> dict[str, Any]:
    return {
        "text": hypothesis.text,
        "words": list(map(_word_to_dict, hypothesis.words)),
        "log_prob": round(hypothesis.log_prob, 3),
        "lm_log_prob": round(hypothesis.lm_log_prob, 3),
    }


def _tokens_to_list(transcript: Transcript) -> list[dict[str, Any]]:
    places = {word: place for place, word in enumerate(transcript.words)}
    return [
        {"text": token.text, "words": [places[word] for word in token.words]}
        for token in transcript.tokens or ()
    ]


def _line_to_dict(line: AlignedLine) -> dict[str, Any]:
    return {
        "text": line.text,
        "start": round(line.start, 3),
        "end": round(line.end, 3),
        "confidence": round(line.confidence, 4),
    }


def _word_to_dict(word: Word) -> dict[str, Any]:
    values = {
        "text": word.text,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "confidence": round(word.confidence, 4),
    }
    if not word.is_spoken:
        values["spoken"] = False
    numbers = {"channel": word.channel, "speaker": word.speaker}
    return values | {name: number for name, number in numbers.items() if number is not None}


def _turn_to_dict(turn: Sequence[Word | Token]) -> dict[str, Any]:
    return {
        "speaker": turn[0].speaker,
        "start": round(turn[0].start, 3),
        "end": round(turn[-1].end, 3),
        "text": " ".join(item.text for item in turn),
    }


def _intervals(words: tuple[Word, ...], end: float) -> Iterator[tuple[float, float, str]]:
    """Words and the pauses between them as (start, end, text), covering 0 to end seconds."""
    at: float = 0
    for word in words:
        if not word.is_spoken:
            continue
        start, stop = round(word.start, 3), round(word.end, 3)
        if start > at:
            yield at, start, ""
        yield start, stop, word.text
        at = stop
    if at < end or not words:
        yield at, end, ""


FORMATS: dict[str, Format] = {
    "text": to_text,
    "json": to_json,
    "srt": to_srt,
    "vtt": to_vtt,
    "ctm": to_ctm,
    "rttm": to_rttm,
    "textgrid": to_textgrid,
}
SUBTITLES = {"srt": to_srt, "vtt": to_vtt}
READABLE_FORMATS = ("text", "json", *SUBTITLES)  # the others are lists of words
RECORDING_ID_FORMATS = ("ctm", "rttm")  # name recordings as recording_ids does; silence is empty
SPEAKER_FORMATS = ("rttm",)  # say only who speaks
WHOLE_FILE_FORMATS = ("srt", "vtt", "textgrid")  # one file can hold only one transcript


# The format for each suffix of a file name, in lower case.
SUFFIXES = {".txt": "text", ".json": "json", ".jsonl": "json"}
SUFFIXES |= {f".{name}": name for name in FORMATS if name != "text"}
