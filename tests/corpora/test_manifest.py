import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speechlstm.audio import Piece
from speechlstm.corpora.importers import IMPORTERS
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import ManifestError, writable

LINE = {"id": "a", "audio": "wav/a.wav", "duration": 1.5, "text": "Yes.", "speaker": "s1"}
ENTRY = Utterance("a", "wav/a.wav", 1.5, "Yes.", "s1")


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[[str | bytes], Manifest]:
    def write(content: str | bytes) -> Manifest:
        path = tmp_path / "m.jsonl"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Manifest(path)

    return write


def line(**values: object) -> str:
    return json.dumps({k: v for k, v in (LINE | values).items() if v is not ...})


Written = Callable[[str | bytes], Manifest]


def test_reads_the_keys_of_an_utterance(manifest: Written) -> None:
    assert list(manifest(line())) == [ENTRY]
    assert list(manifest(line(text=..., speaker=None, duration=2))) == [
        Utterance("a", "wav/a.wav", 2.0)
    ]
    assert next(iter(manifest(line(text="")))).text == ""


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + line().encode(),
        line().encode() + b"\r\n",
        b"\n" + line().encode() + b"\n\n",
    ],
    ids=["byte order mark", "CRLF", "empty lines"],
)
def test_reads_what_editors_leave(manifest: Written, content: bytes) -> None:
    assert list(manifest(content)) == [ENTRY]


def test_an_offset_makes_a_piece_of_a_recording(manifest: Written, tmp_path: Path) -> None:
    found = manifest(f"{line()}\n{line(id='b', offset=0)}\n{line(id='c', offset=12.5)}")
    whole, first, other = found
    assert found.recording(whole) == tmp_path / "wav" / "a.wav"
    assert found.recording(first) == Piece(tmp_path / "wav" / "a.wav", 0.0, 1.5)
    assert found.recording(other) == Piece(tmp_path / "wav" / "a.wav", 12.5, 1.5)
    write_manifest(tmp_path / "again.jsonl", found)
    assert list(Manifest(tmp_path / "again.jsonl")) == [whole, first, other]
    assert (tmp_path / "again.jsonl").read_text().count("offset") == 2


def test_a_line_separator_of_unicode_is_no_line_end(manifest: Written) -> None:
    content = json.dumps(LINE | {"text": "a\u2028b"}, ensure_ascii=False)
    assert [u.text for u in manifest(content)] == ["a\u2028b"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{'id': 'b'}", "not JSON: "),
        ('{"id": "b"', "not JSON: "),
        ('{"id": "\\ud800"}', "not JSON: has half of a surrogate pair"),
        ("[" * 100_000, "not JSON: nested too deeply"),
        (line(**{"k" * 200_000: 1}), f"{'k' * 55}'; known are id, audio, duration"),
        (b'{"id": "\xff"}', "not UTF-8: invalid start byte"),
        ("[1]", "not a JSON object with the keys id, audio, duration, text, speaker, offset"),
        (
            line(txt="yes"),
            "unknown key 'txt'; known are id, audio, duration, text, speaker, offset",
        ),
        ('{"wer": 0, "cer": 0, "utterances": []}', "is a report of `evaluate` or `score`, which"),
        ('{"systems": [], "pairs": [], "x": 0}', "is the output of `compare`, which no command"),
        ('{"file": "a", "text": "yes"}', "unknown key 'file'; known are id, audio"),
        (
            '{"file": "a", "text": "", "words": []}',
            "is the output of `transcribe`, which `score` reads; sp",
        ),
        ('{"segment": 1, "text": "yes"}', "is the output of `listen`, which no command reads"),
        (line(id=...), "lacks the key 'id'; speechlstm manifest build makes"),
        (line(audio=...), "lacks the key 'audio'; speechlstm manifest build makes"),
        (line(duration=...), "lacks the key 'duration'; speechlstm manifest build makes"),
        (line(id=""), "id: must be a non-empty string, is ''"),
        (line(id=7), 'id: must be a non-empty string, is 7; write "7"'),
        (line(audio=None), "audio: must be a non-empty string"),
        (line(text=["yes"]), "text: must be a string or null, is ['yes']"),
        (line(speaker=3), 'speaker: must be a string or null, is 3; write "3"'),
        (line(label=1.5), 'label: must be a string or null, is 1.5; write "1.5"'),
        (line(label=True), "label: must be a string or null, is True"),
        *(
            (line(**{key: f"a{control}b"}), f"{key}: must be a line without control characters")
            for key in ("id", "speaker", "label")
            for control in "\n\t\r\0\x1b\x85\u2028"
        ),
        (line(duration="1.5"), "duration: must be a number of seconds above 0, is '1.5'"),
        (line(duration=True), "duration: must be a number of seconds"),
        (line(duration=0), "duration: must be a number of seconds"),
        (line(duration=-1), "duration: must be a number of seconds"),
        (line(duration=float("nan")), "duration: must be a number of seconds"),
        (line(duration=float("inf")), "duration: must be a number of seconds"),
        (line(duration=10**400), "duration: must be a number of seconds"),
        (line(offset=-0.5), "offset: must be a number of seconds from 0, is -0.5"),
        (line(offset="1"), "offset: must be a number of seconds from 0, is '1'"),
        (line(offset=float("inf")), "offset: must be a number of seconds from 0, is inf"),
        (line(id="first"), "id 'first' is already on line 1"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(
    manifest: Written, bad: str | bytes, reason: str
) -> None:
    lines = [line(id="first"), bad, line(id="last")]
    found = manifest(b"\n".join(x.encode() if isinstance(x, str) else x for x in lines))
    first, fault, last = found.entries()
    assert (first.id, last.id) == ("first", "last")
    assert (fault.path, fault.line) == (found.path, 2)
    assert str(fault).startswith(f"{found.path}:2: ")
    assert reason in str(fault)
    utterances = iter(found)
    assert next(utterances).id == "first"
    with pytest.raises(ManifestError) as caught:
        next(utterances)
    assert str(caught.value) == str(fault)


def test_a_manifest_that_is_missing_or_empty_is_named(manifest: Written, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no\.jsonl: cannot be read: No such file"):
        list(Manifest(tmp_path / "no.jsonl"))
    with pytest.raises(ManifestError, match=r"m\.jsonl: has no utterance"):
        list(manifest("\n"))
    with pytest.raises(ManifestError, match="Is a directory; speechlstm manifest build lists"):
        list(Manifest(tmp_path))


def test_a_recording_is_no_manifest_and_that_is_said_once(manifest: Written) -> None:
    (fault,) = manifest(b"RIFF\xd8\0\0\0WAVE\n\n\0\xff\n").entries()
    assert isinstance(fault, ManifestError)
    assert (fault.line, fault.reason) == (1, "has zero bytes: not a manifest, or damaged")


def test_is_read_lazily_and_again(manifest: Written) -> None:
    found = manifest(line() + "\nno JSON")
    assert next(iter(found)) == next(iter(found)) == ENTRY


def test_audio_lies_beside_the_manifest_or_where_its_absolute_path_says(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "m.jsonl")
    assert manifest.recording(ENTRY) == tmp_path / "wav" / "a.wav"
    assert manifest.recording(Utterance("a", "/corpus/a.wav", 1.0)) == Path("/corpus/a.wav")


def test_moved_utterances_lead_to_the_same_audio(tmp_path: Path) -> None:
    source, target = Manifest(tmp_path / "in" / "m.jsonl"), Manifest(tmp_path / "out" / "m.jsonl")
    moved = source.moved_to(target.path.parent, ENTRY)
    assert moved.audio == "../in/wav/a.wav"
    assert target.recording(moved).resolve() == source.recording(ENTRY).resolve()
    absolute = Utterance("a", "/corpus/a.wav", 1.0)
    assert source.moved_to(tmp_path, absolute) == absolute


texts = st.text(st.characters(exclude_categories=["Cs"]))
names = texts.filter(lambda name: writable(name) == name)
utterances = st.builds(
    Utterance,
    id=names.filter(bool),
    audio=texts.filter(bool),
    duration=st.floats(1e-3, 1e6),
    text=st.none() | texts,
    speaker=st.none() | names,
)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@pytest.mark.slow
@given(st.lists(utterances, min_size=1, unique_by=lambda u: u.id))
def test_what_is_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[Utterance]
) -> None:
    path = tmp_path_factory.getbasetemp() / "roundtrip.jsonl"
    write_manifest(path, written)
    assert list(Manifest(path)) == written


@pytest.mark.slow
@given(
    st.lists(
        st.binary(max_size=40)
        | st.sampled_from([line(), line(id="b"), "{", "[", "null", "[" * 2000, '{"id": ' * 500])
        | st.dictionaries(st.sampled_from([*LINE, "x"]), json_values).map(json.dumps),
        max_size=6,
    )
)
def test_any_bytes_are_utterances_or_faults_with_their_line(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str | bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(b"\n".join(x.encode() if isinstance(x, str) else x for x in lines))
    for entry in Manifest(path).entries():
        if isinstance(entry, ManifestError):
            assert str(entry).startswith(f"{path}:")
            assert str(entry).isprintable()
        else:
            assert entry.id
            assert entry.duration > 0


def test_writes_one_plain_line_an_utterance(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", [Utterance("ä", "ä.wav", 1.5, "")])
    content = (tmp_path / "m.jsonl").read_text(encoding="utf-8")
    assert content == '{"id": "ä", "audio": "ä.wav", "duration": 1.5, "text": ""}\n'


def test_refuses_to_write_an_id_twice_and_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text("old")
    with pytest.raises(ManifestError, match="two utterances have the id 'a'"):
        write_manifest(tmp_path / "m.jsonl", [ENTRY, ENTRY])
    assert (tmp_path / "m.jsonl").read_text() == "old"


def test_an_importer_reads_files_of_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_prompts(path: Path) -> Iterator[tuple[int, Utterance | ManifestError]]:
        for line, content in enumerate(path.read_text().splitlines(), start=1):
            name, text = content.split(" ", 1)
            yield line, Utterance(name, f"{name}.wav", 1.0, text)

    monkeypatch.setitem(IMPORTERS, ".prompts", read_prompts)
    path = tmp_path / "ARCTIC.PROMPTS"
    path.write_text("a one two\nb three\na four\n")
    first, second, twice = Manifest(path).entries()
    assert (first, second) == (
        Utterance("a", "a.wav", 1.0, "one two"), Utterance("b", "b.wav", 1.0, "three")
    )  # fmt: skip
    assert str(twice) == f"{path}:3: id 'a' is already on line 1"
    with pytest.raises(ManifestError, match=r"no\.prompts: cannot be read: No such file"):
        list(Manifest(tmp_path / "no.prompts"))
