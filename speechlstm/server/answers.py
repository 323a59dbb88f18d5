"""Transcripts as OpenAI's API writes them."""

import math
import zlib
from collections.abc import Iterator
from statistics import fmean
from typing import Any

from speechlstm.transcript import Token, Transcript, Word
from speechlstm.transcript.formats import FORMATS, json_line

MEDIA_TYPES = {
    "json": "application/json",
    "verbose_json": "application/json",
    "text": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}  # of each response format
_LANGUAGES = {"en": "english"}  # OpenAI writes names here, codes in requests
_SENTENCE_ENDS = (".", "?", "!")


def written(
    response_format: str,
    transcript: Transcript,
    *,
    name: str,
    language: str | None,
    granularities: tuple[str, ...] = ("segment",),
    damage: str | None = None,
) -> str:
    """A transcript in a response format.

    Args:
        response_format: A key of MEDIA_TYPES.
        language: In ISO 639-1; None: not known.
        granularities: What verbose_json lists: "word", "segment" or both.
        damage: What has been lost of the recording.
    """
    if response_format == "json":
        return json_line(_brief(transcript, damage))
    if response_format == "verbose_json":
        values = {
            "task": "transcribe",
            "language": _LANGUAGES.get(language or "", language or "unknown"),
            "duration": round(transcript.duration, 3),
            **_brief(transcript, damage),
        }
        if "word" in granularities:
            values["words"] = word_list(transcript.words)
        if "segment" in granularities:
            values["segments"] = list(_segments(transcript))
        return json_line(values)
    return f"{FORMATS[response_format](name, transcript)}\n"


def formats_of(name: str, transcript: Transcript, formats: tuple[str, ...]) -> dict[str, str]:
    """The transcript in several formats of the command line, by their names."""
    return {key: f"{FORMATS[key](name, transcript)}\n" for key in formats}


def word_list(words: tuple[Word, ...]) -> list[dict[str, Any]]:
    """Words with their times in seconds and, beyond OpenAI's, their confidences in 0..1."""
    return [
        {
            "word": word.text,
            "start": round(word.start, 3),
            "end": round(word.end, 3),
            "confidence": round(word.confidence, 4),
        }
        for word in words
    ]


def token_list(transcript: Transcript) -> list[dict[str, Any]]:
    """The pieces of readable text (words, if there is none), as word_list writes words.

    The confidence of a piece is the lowest of its words.
    """
    return [
        {
            "text": piece.text,
            "start": round(piece.start, 3),
            "end": round(piece.end, 3),
            "confidence": round(_confidence(piece), 4),
        }
        for piece in transcript.tokens or transcript.words
    ]


def _confidence(piece: Word | Token) -> float:
    words = piece.words if isinstance(piece, Token) else (piece,)
    return min(word.confidence for word in words)


def _brief(transcript: Transcript, damage: str | None) -> dict[str, Any]:
    seconds = math.ceil(transcript.duration)
    values = {"text": transcript.readable, "usage": {"type": "duration", "seconds": seconds}}
    return values | ({"warning": damage} if damage else {})


def _segments(transcript: Transcript) -> Iterator[dict[str, Any]]:
    """Sentences, which end at a pause too, with the fields of OpenAI's segments.

    This network decodes frames, not tokens, without sampling, and words in what cannot be speech
    have been dropped: tokens, temperature and no_speech_prob say so. avg_logprob is the mean
    natural logarithm of the words' confidences.
    """
    for number, pieces in enumerate(_sentences(transcript)):
        text = " ".join(piece.text for piece in pieces)
        confidences = [_confidence(piece) for piece in pieces]
        encoded = text.encode()
        yield {
            "id": number,
            "seek": 0,
            "start": round(pieces[0].start, 3),
            "end": round(pieces[-1].end, 3),
            "text": text,
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": round(fmean(math.log(max(c, 1e-9)) for c in confidences), 4),
            "compression_ratio": round(len(encoded) / len(zlib.compress(encoded)), 4),
            "no_speech_prob": 0.0,
        }


def _sentences(transcript: Transcript) -> Iterator[list[Word | Token]]:
    for turn in transcript.written_turns:
        sentence: list[Word | Token] = []
        for piece in turn:
            sentence.append(piece)
            if isinstance(piece, Token) and piece.text.endswith(_SENTENCE_ENDS):
                yield sentence
                sentence = []
        if sentence:
            yield sentence
