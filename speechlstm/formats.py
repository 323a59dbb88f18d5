"""How a transcript is written down."""

import json
from collections.abc import Callable

from speechlstm.transcript import Transcript

Format = Callable[[str, Transcript], str]  # (file, its transcript) -> lines without the last "\n"


def to_text(file: str, transcript: Transcript) -> str:
    """The words of the best hypothesis, in one line."""
    return transcript.text


def to_json(file: str, transcript: Transcript) -> str:
    """One JSON object in one line: times in seconds, confidences 0..1, a natural log_prob."""
    return json.dumps(
        {
            "file": file,
            "text": transcript.text,
            "duration": round(transcript.duration, 3),
            "words": [
                {
                    "text": word.text,
                    "start": round(word.start, 3),
                    "end": round(word.end, 3),
                    "confidence": round(word.confidence, 4),
                }
                for word in transcript.words
            ],
            "log_prob": round(transcript.hypotheses[0].log_prob, 3),
        },
        ensure_ascii=False,
    )


FORMATS: dict[str, Format] = {"text": to_text, "json": to_json}
