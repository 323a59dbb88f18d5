import json

from speechlstm.formats import FORMATS
from speechlstm.transcript import Hypothesis, Transcript, Word

TRANSCRIPT = Transcript(
    hypotheses=(
        Hypothesis(
            text="grüß gott",
            words=(Word("grüß", 0.1, 0.42, 0.98765), Word("gott", 0.5, 0.8000001, 0.5)),
            log_prob=-3.25,
        ),
        Hypothesis(text="gruß gott", words=(), log_prob=-4.0),
    ),
    duration=1.23456,
)
SILENCE = Transcript((Hypothesis("", (), -0.5),), 0.02)


def test_text_is_the_best_hypothesis() -> None:
    assert FORMATS["text"]("a.wav", TRANSCRIPT) == "grüß gott"
    assert FORMATS["text"]("a.wav", SILENCE) == ""


def test_json_is_one_object_in_one_line() -> None:
    written = FORMATS["json"]("a.wav", TRANSCRIPT)
    assert "\n" not in written
    assert "grüß" in written
    assert json.loads(written) == {
        "file": "a.wav",
        "text": "grüß gott",
        "duration": 1.235,
        "words": [
            {"text": "grüß", "start": 0.1, "end": 0.42, "confidence": 0.9877},
            {"text": "gott", "start": 0.5, "end": 0.8, "confidence": 0.5},
        ],
        "log_prob": -3.25,
    }
    assert json.loads(FORMATS["json"]("b.wav", SILENCE))["words"] == []
