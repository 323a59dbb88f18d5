import json
from pathlib import Path

import pytest

from speechlstm.errors import DataError
from speechlstm.evaluation.transcript_files import read_transcript_file

ANSWER = {"text": "One two.", "usage": {"type": "duration", "seconds": 2}}
WHISPER_CPP = {
    "systeminfo": "AVX = 1",
    "model": {"type": "base", "text": {"ctx": 448}},
    "params": {"language": "en"},
    "result": {"language": "en"},
    "transcription": [
        {"offsets": {"from": 0, "to": 900}, "text": " One"},
        {"offsets": {"from": 900, "to": 1800}, "text": " two."},
    ],
}
NAMED = {"file": "a.wav", "text": "One two."}


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("answer", [ANSWER, WHISPER_CPP, NAMED])
def test_an_answer_may_take_several_lines(
    answer: dict[str, object], indent: int | str | None, tmp_path: Path
) -> None:
    path = tmp_path / "answer.json"
    path.write_text(f"\n{json.dumps(answer, indent=indent)}\n")
    (entry,) = read_transcript_file(path).transcribed
    assert (entry.id, (entry.text or "").split()) == (answer.get("file"), ["One", "two."])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.json", '{\n"text": "a",\n', ":1: not JSON: .*; write one object a line$"),
        ("a.json", '{"text": "a"}\n{"text"\n', ":2: not JSON: .*; write one object a line$"),
        ("a.jsonl", '{\n"text": "a"\n}\n', ":1: not JSON: .*; write one object a line$"),
        ("a.json", '{"text": "a"}\n[1]\n', ":2: not a JSON object with the key text$"),
        ("a.json", '{"file": null, "text": "a"}\n', ":1: file and text must be strings$"),
        ("a.jsonl", '{"id": null, "text": "a"}\n', ":1: id and text must be strings$"),
        ("a.json", '{\n"result": {}, "transcription": 1}', ":1: not a JSON object with the key t"),
    ],
)
def test_other_json_is_refused_in_one_line(
    name: str, content: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=f"{name}{reason}"):
        read_transcript_file(path)
