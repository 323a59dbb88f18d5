from io import BytesIO
from pathlib import Path

import pytest

from speechlstm.corpora.manifest import Manifest
from speechlstm.lm.text import read_sentences
from speechlstm.storage import decode_text, text_lines, utf8_lines
from speechlstm.text.lexicon import Lexicon
from speechlstm.text.phrases import read_phrase_file
from speechlstm.transcript.rttm import read_rttm

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_the_same_however_they_are_written(encoding: str, end: str) -> None:
    lines = ["grün", "", "a\u2028b\x0cc", "\ufeffd"]
    content = "".join(f"{line}{end}" for line in lines).encode(encoding)
    found = list(text_lines(BytesIO(content)))
    assert found[: len(lines)] == lines
    assert not any(found[len(lines) :])


@pytest.mark.parametrize(
    ("content", "number", "reason"),
    [
        (b"yes\nno\xff\n", 2, "not UTF-8 or UTF-16: invalid start byte at byte 2; save it"),
        ("yes\n".encode("utf-16-le"), 1, "has zero bytes: not a text, or UTF-16 without its mark"),
        ("yes\n".encode("utf-32"), 1, "has zero bytes"),
        (b"RIFF\xd8\0\0\0WAVE", 1, "has zero bytes: not a text"),
        (b"\xff\xfea", 1, "not UTF-8 or UTF-16: truncated data at byte 2"),
    ],
)
def test_what_is_no_text_is_refused_at_its_line(content: bytes, number: int, reason: str) -> None:
    lines = text_lines(BytesIO(content))
    for _ in range(number - 1):
        next(lines)
    with pytest.raises(ValueError, match=reason):
        next(lines)
    with pytest.raises(ValueError, match=reason.partition(" at byte")[0]):
        decode_text(content)


def test_a_line_without_end_is_refused() -> None:
    assert list(utf8_lines(BytesIO(b"four\nfive"), 6)) == [b"four\n", b"five"]
    with pytest.raises(ValueError, match=r"^has 5 bytes or more$"):
        list(utf8_lines(BytesIO(b"four4\n"), 5))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_file_that_people_write_may_come_from_windows(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "file"

    def write(text: str) -> Path:
        path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
        return path

    assert list(read_sentences(write("Grün.\nja\n"))) == ["grün", "ja"]
    assert Lexicon.read(write("grün G R\n"))["grün"] == (("G", "R"),)
    assert read_phrase_file(write("grün\n"))[0].text == "grün"
    turns = read_rttm(write("SPEAKER a 1 0 1 <NA> <NA> ann <NA> <NA>\n"))
    assert [turn.speaker for turn in turns["a"]] == ["ann"]
    manifest = write('{"id": "1", "audio": "a.wav", "duration": 1, "text": "grün"}\n')
    assert [utterance.text for utterance in Manifest(manifest)] == ["grün"]
