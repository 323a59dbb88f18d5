import json

import pytest

from speechlstm.transcript import Hypothesis, Transcript, Word
from speechlstm.transcript.formats import FORMATS

WORDS = (Word("good", 0.5, 0.8, 0.9), Word("day", 0.9, 1.2, 0.8))
TRANSCRIPT = Transcript(
    (Hypothesis("good day", WORDS, -1.5, -2.0, -3.0), Hypothesis("could day", WORDS, -2.5)), 1.5
)


@pytest.mark.parametrize("name", ["text", "srt", "vtt", "textgrid"])
def test_methods_give_what_the_command_writes(name: str) -> None:
    assert getattr(TRANSCRIPT, f"to_{name}")() == FORMATS[name]("talk.wav", TRANSCRIPT)


def test_ctm_names_the_recording() -> None:
    assert TRANSCRIPT.to_ctm("talk").splitlines()[0] == "talk 1 0.500 0.300 good 0.9000"


def test_json_is_the_dict() -> None:
    values = TRANSCRIPT.to_dict()
    assert json.loads(TRANSCRIPT.to_json()) == values
    assert json.loads(FORMATS["json"]("talk.wav", TRANSCRIPT)) == {"file": "talk.wav"} | values
    assert values["words"][1] == {"text": "day", "start": 0.9, "end": 1.2, "confidence": 0.8}
    assert [other["text"] for other in values["alternatives"]] == ["could day"]


def test_a_transcript_has_a_hypothesis() -> None:
    with pytest.raises(ValueError, match="at least one hypothesis"):
        Transcript((), 1.0)
