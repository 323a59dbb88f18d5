import json
from pathlib import Path

import pytest

from speechlstm.errors import DataError
from speechlstm.transcript import Hypothesis, Token, Transcript, Word
from speechlstm.transcript.formats import FORMATS
from speechlstm.transcript.rttm import Turn, read_rttm, speaker_turns

WORDS = (
    Word("hello", 0.0, 0.4, 0.9, speaker=1),
    Word("bob", 0.5, 0.9, 0.9, speaker=1),
    Word("hi", 1.0, 1.2, 0.9, speaker=2),
    Word("so", 3.0, 3.4, 0.9, speaker=1),
    Word("then", 5.0, 5.5, 0.9, speaker=1),
)
TRANSCRIPT = Transcript((Hypothesis("hello bob hi so then", WORDS, -1.0),), 6.0)
SILENCE = Transcript((Hypothesis("", (), -0.5),), 0.02)


def test_turns_end_at_a_pause_and_where_another_speaks() -> None:
    assert speaker_turns(WORDS) == [
        Turn("speaker1", 0.0, 0.9),
        Turn("speaker2", 1.0, 1.2),
        Turn("speaker1", 3.0, 3.4),
        Turn("speaker1", 5.0, 5.5),
    ]
    assert speaker_turns([Word("hello", 0.0, 0.4, 0.9)]) == []


def test_rttm_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.rttm"
    path.write_text(FORMATS["rttm"]("my talk", TRANSCRIPT) + "\n")
    assert read_rttm(path) == {"my_talk": speaker_turns(WORDS)}
    assert FORMATS["rttm"]("a", SILENCE) == ""


def test_rttm_of_others_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.rttm"
    path.write_text(
        ";; a comment\n"
        "SPKR-INFO talk 1 <NA> <NA> <NA> adult_female anna <NA>\n"
        "SPEAKER talk 1 1.5 2.25 <NA> <NA> anna <NA>\n\n"
        "SPEAKER talk 1 3 1 <NA> <NA> ben <NA> <NA>\n"
    )
    assert read_rttm(path) == {"talk": [Turn("anna", 1.5, 3.75), Turn("ben", 3.0, 4.0)]}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("SPEAKER talk 1 x 2 <NA> <NA> anna <NA>", ":1: start and duration must be seconds"),
        ("\nSPEAKER talk 1 1 -2 <NA> <NA> anna <NA>", ":2: start and duration must be"),
        ("SPEAKER talk 1 nan 2 <NA> <NA> anna <NA>", ":1: start and duration must be"),
        ("SPEAKER talk 1 1 2 anna", ":1: has 6 fields"),
        ("some text", "has no turn; each line of an RTTM file is SPEAKER FILE"),
        ("", "has no turn"),
    ],
)
def test_a_wrong_rttm_is_refused(tmp_path: Path, content: str, expected: str) -> None:
    path = tmp_path / "a.rttm"
    path.write_text(content)
    with pytest.raises(DataError, match=expected):
        read_rttm(path)
    with pytest.raises(DataError, match="No such file"):
        read_rttm(tmp_path / "none.rttm")


def test_text_has_a_line_for_each_turn() -> None:
    assert FORMATS["text"]("a", TRANSCRIPT).splitlines() == [
        "Speaker 1: hello bob",
        "Speaker 2: hi",
        "Speaker 1: so then",
    ]
    assert FORMATS["text"]("a", SILENCE) == ""
    assert (
        TRANSCRIPT.to_timed_text().splitlines()[1]
        == "[00:00:01.000 --> 00:00:01.200] Speaker 2: hi"
    )


def test_json_has_turns_and_the_speaker_of_each_word() -> None:
    values = json.loads(FORMATS["json"]("a", TRANSCRIPT))
    assert [word["speaker"] for word in values["words"]] == [1, 1, 2, 1, 1]
    assert values["turns"] == [
        {"speaker": 1, "start": 0.0, "end": 0.9, "text": "hello bob"},
        {"speaker": 2, "start": 1.0, "end": 1.2, "text": "hi"},
        {"speaker": 1, "start": 3.0, "end": 5.5, "text": "so then"},
    ]
    assert "turns" not in json.loads(FORMATS["json"]("a", SILENCE))


def test_readable_text_has_the_same_turns() -> None:
    tokens = tuple(Token(word.text.capitalize(), (word,)) for word in WORDS)
    readable = Transcript(TRANSCRIPT.hypotheses, 6.0, tokens=tokens)
    assert FORMATS["text"]("a", readable).splitlines()[0] == "Speaker 1: Hello Bob"
    assert json.loads(FORMATS["json"]("a", readable))["turns"][2]["text"] == "So Then"


def test_each_subtitle_is_of_one_speaker() -> None:
    srt = [cue.split("\n")[2] for cue in FORMATS["srt"]("a", TRANSCRIPT).split("\n\n")]
    expected = ["Speaker 1: hello bob", "Speaker 2: hi", "Speaker 1: so", "Speaker 1: then"]
    assert srt == expected
    assert "\n<v Speaker 2>hi\n" in FORMATS["vtt"]("a", TRANSCRIPT)


def test_each_speaker_has_a_tier() -> None:
    grid = FORMATS["textgrid"]("a", TRANSCRIPT)
    assert [f'name = "speaker {number}"' in grid for number in (1, 2, 3)] == [True, True, False]
