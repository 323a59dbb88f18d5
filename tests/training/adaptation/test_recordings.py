from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import soundfile

from speechlstm.bundle import AcousticSpec
from speechlstm.config import FeatureConfig, NetworkConfig, Settings
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.shards import pack
from speechlstm.errors import DataError, TrainingError
from speechlstm.text.alphabet import ENGLISH
from speechlstm.training.adaptation.recordings import (
    UsableRecordings,
    decode,
    feasible,
    gather,
    prepare,
    split,
)
from speechlstm.training.adaptation.work import Work, fingerprint, place

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a second of noise, and what is said in it beside it."""

    def write(name: str, text: str | None = "yes", suffix: str = ".txt", gain: float = 0.1) -> Path:
        path = tmp_path / "recordings" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        samples = gain * np.random.default_rng(len(name)).normal(size=16000)
        soundfile.write(path, samples.clip(-1, 1), 16000)
        if text is not None:
            path.with_suffix(suffix).write_text(text, encoding="utf-8")
        return path

    return write


def gathered(tmp_path: Path) -> UsableRecordings:
    return gather(tmp_path / "recordings", tmp_path, lambda line: None)


def test_texts_and_labels_stand_beside_recordings(write: Write, tmp_path: Path) -> None:
    write("ann/a.wav", "Yes!")
    write("ann/b.wav", "No.", ".lab")
    write("c.wav", None)
    (tmp_path / "recordings" / "d.txt").write_text("nobody said this")
    found = gathered(tmp_path)
    assert [(u.id, u.text, u.speaker) for u in found.utterances] == [
        ("ann/a", "Yes!", "ann"), ("ann/b", "No.", "ann")
    ]  # fmt: skip
    missing, alone = found.reasons
    assert "c.wav: has no text" in missing
    assert alone.endswith("d.txt: a text without a recording")


def test_a_folder_of_shards_is_a_manifest(write: Write, tmp_path: Path) -> None:
    names = [write(name).name for name in ("a.wav", "b.wav")]
    listed = [Utterance(name, f"recordings/{name}", 1.0, "yes") for name in names]
    write_manifest(tmp_path / "all.jsonl", listed)
    assert len(list(pack(Manifest(tmp_path / "all.jsonl"), tmp_path / "shards"))) == 2
    found = gather(tmp_path / "shards", tmp_path / "work", lambda line: None)
    assert [(u.id, u.text) for u in found.utterances] == [("a.wav", "yes"), ("b.wav", "yes")]
    assert all(u.audio.startswith("../shards/000000.tar/") for u in found.utterances)


def test_a_list_may_lie_at_an_address(write: Write, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    names = [write(name).name for name in ("a.wav", "b.wav")]
    listed = [Utterance(name, f"recordings/{name}", 1.0, "yes") for name in names]
    write_manifest(tmp_path / "all.jsonl", listed)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        address = Path(f"{host}/all.jsonl?token=1")
        found = gather(address, tmp_path / "work", lambda line: None)
        assert [u.audio for u in found.utterances] == [f"{host}/recordings/{n}" for n in names]
        kept = decode(found, Work(tmp_path / "work"), 16000, progress=False)
        assert [u.duration for u in kept.utterances] == [1.0, 1.0]
        before = fingerprint([address])
        assert fingerprint([Path(f"{host}/all.jsonl?token=2")]) == before
        write_manifest(tmp_path / "all.jsonl", listed[:1])
        assert fingerprint([address]) != before
        with pytest.raises(DataError, match=r"gone.jsonl: cannot be read: no such file"):
            fingerprint([Path(f"{host}/gone.jsonl")])
        server.shutdown()
    assert place(address) == f"{host}/all.jsonl"


def test_recordings_without_any_text_are_refused_in_a_line(write: Write, tmp_path: Path) -> None:
    write("a.wav", None)
    write("b.wav", None)
    with pytest.raises(
        DataError,
        match=r"recordings: no recording has a text that can be read: .*a\.wav: has no text; write "
        r"its transcript into a\.txt \(and 1 other\)$",
    ):
        gathered(tmp_path)


def test_texts_in_another_encoding_are_refused_by_that_reason(write: Write, tmp_path: Path) -> None:
    path = write("a.wav")
    path.with_suffix(".txt").write_bytes("caf\u00e9".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"its text a\.txt cannot be read: not UTF-8 or .* save it as UTF-8$"
    ):
        gathered(tmp_path)


def test_a_folder_without_recordings_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    with pytest.raises(DataError, match=r"recordings: no recordings; put speech\.wav and what is"):
        gathered(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["", "\r\n"])
def test_texts_may_be_written_by_any_editor(
    write: Write, tmp_path: Path, encoding: str, end: str
) -> None:
    path = write("a.wav")
    path.with_suffix(".txt").write_bytes(f"Ein Caf\u00e9.{end}".encode(encoding))
    assert [u.text for u in gathered(tmp_path).utterances] == ["Ein Caf\u00e9."]


@pytest.mark.parametrize(("name", "kind"), [("bundle.json", "a bundle"), ("run.json", "a run")])
def test_a_model_is_no_folder_of_recordings(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / name).touch()
    with pytest.raises(DataError, match=f"is {kind}, not recordings"):
        gathered(tmp_path)


def test_a_recording_is_no_folder(write: Write, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is one recording; name a folder"):
        gather(write("a.wav"), tmp_path, lambda line: None)


def test_what_cannot_be_learnt_from_is_one_line(write: Write, tmp_path: Path) -> None:
    write("a.wav", gain=0.0)
    write("b.wav", gain=0.0)
    base = AcousticSpec(FeatureConfig(), ENGLISH, NetworkConfig())
    with pytest.raises(
        TrainingError,
        match=r"recordings: no recording can be used: a: is silent.* \(and 1 other\)$",
    ):
        prepare(tmp_path / "recordings", Work(tmp_path), base, lambda line: None, progress=False)


@pytest.mark.parametrize(
    ("texts", "advice"),
    [
        (["yes"] * 10, "only 10 s of speech: words of its texts"),
        (["\u0434\u0430"] * 10, "only 0 min of speech for another alphabet: expect more than half"),
    ],
)
def test_too_little_speech_is_said_before_it_is_learnt_from(
    write: Write, tmp_path: Path, texts: list[str], advice: str
) -> None:
    for number, text in enumerate(texts):
        write(f"{number}.wav", text)
    lines: list[str] = []
    base = AcousticSpec(FeatureConfig(), ENGLISH, NetworkConfig())
    prepare(tmp_path / "recordings", Work(tmp_path), base, lines.append, progress=False)
    assert lines[-1].startswith(advice)


def test_silence_and_damage_are_left_out_with_their_reasons(write: Write, tmp_path: Path) -> None:
    write("a.wav", "Yes!")
    write("b.wav", "no", gain=1e-5)
    write("c.wav", "", gain=0.0)  # known silence is no fault
    found = gathered(tmp_path)
    write("a2.wav").write_bytes(b"RIFF")
    found.utterances.append(Utterance("bad", "recordings/a2.wav", 1.0, "yes"))
    found = decode(found, Work(tmp_path), 16000, progress=False)
    assert [(u.id, u.text, u.duration) for u in found.utterances] == [("a", "yes", 1), ("c", "", 1)]
    assert found.reasons[0].startswith("b: is silent")
    assert "a2.wav" in found.reasons[1]


def test_texts_that_cannot_be_what_is_said_are_left_out(write: Write, tmp_path: Path) -> None:
    write("a.wav", "Yes!")
    write("b.wav", "yes [laughter]")
    write("c.wav", "yes <unk>")
    found = decode(gathered(tmp_path), Work(tmp_path), 16000, progress=False)
    assert [u.text for u in found.utterances] == ["yes"]
    assert [reason.split(",")[0] for reason in found.reasons] == [
        "b: its text has the mark '[laughter]'",
        "c: its text has the mark '<unk>'",
    ]


def test_how_many_are_taken_for_silence_is_said(write: Write, tmp_path: Path) -> None:
    for number in range(10):
        write(f"{number}.wav", "\u2026" if number in (3, 5) else "yes")
    lines: list[str] = []
    base = AcousticSpec(FeatureConfig(), ENGLISH, NetworkConfig())
    prepare(tmp_path / "recordings", Work(tmp_path), base, lines.append, progress=False)
    assert "2 recordings with an empty text: taken for silence" in lines


def test_texts_that_do_not_fit_are_left_out() -> None:
    texts = ["yes", "12 times", "far too much for a tenth of a second"]
    found = UsableRecordings(
        [Utterance(text, "x.wav", 0.1 + (text == "yes"), text) for text in texts], []
    )
    found = feasible(found, ENGLISH, Settings())
    assert [u.id for u in found.utterances] == ["yes"]
    assert found.reasons[0] == (
        "12 times: not in the alphabet: '1' (U+0031), '2' (U+0032); write numbers as they are "
        "spoken"
    )
    assert "text needs" in found.reasons[1]


def spoken_by(*speakers: str | None) -> UsableRecordings:
    utterances = [Utterance(f"{i}", f"{i}.wav", 1.0, "yes", s) for i, s in enumerate(speakers)]
    return UsableRecordings(utterances, [])


def test_speakers_are_held_out_where_there_are_enough(tmp_path: Path) -> None:
    lines: list[str] = []
    paths = split(spoken_by(*"aabbccddee" * 2), Work(tmp_path), lines.append)
    learnt, held_out = ({u.speaker for u in Manifest(path)} for path in paths)
    assert learnt | held_out == set("abcde")
    assert not learnt & held_out
    assert lines[0] == (
        "16 utterances (0.3 min) to learn from, 4 utterances (0.1 min) held out (other speakers)"
    )
    assert lines[1].startswith("only 4 words are held out: ")


@pytest.mark.parametrize("speakers", ["aaaaaaaaaa", "ababababab"])
def test_utterances_are_held_out_of_few_speakers(tmp_path: Path, speakers: str) -> None:
    lines: list[str] = []
    paths = split(spoken_by(*speakers), Work(tmp_path), lines.append)
    sizes = [len(list(Manifest(path))) for path in paths]
    assert sizes == [8, 2]
    assert lines[0].endswith("(too few speakers to hold one out)")


def test_long_recordings_are_held_out_whole_where_there_are_enough(tmp_path: Path) -> None:
    lectures = [
        Utterance(f"{n}-{k}", f"{n}.mp3", 3.0, "yes", None, 4.0 * k)
        for n in range(5)
        for k in range(4)
    ]
    lines: list[str] = []
    paths = split(UsableRecordings(lectures, []), Work(tmp_path), lines.append)
    learnt, held_out = ({u.audio for u in Manifest(path)} for path in paths)
    assert (len(learnt), len(held_out)) == (4, 1) and not learnt & held_out
    assert lines[0].endswith("(other recordings)")


def test_at_most_eight_minutes_are_held_out(tmp_path: Path) -> None:
    utterances = [Utterance(f"{i}", f"{i}.wav", 20.0, "yes") for i in range(600)]
    _, held_out = split(UsableRecordings(utterances, []), Work(tmp_path), lambda line: None)
    assert sum(u.duration for u in Manifest(held_out)) == pytest.approx(480, abs=20)


def test_three_utterances_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="3 utterances can be used, at least 8 are needed"):
        split(spoken_by(None, None, None), Work(tmp_path), lambda line: None)
    assert not (tmp_path / "train.jsonl").exists()
    few = UsableRecordings(spoken_by(None).utterances, ["a: bad", "b: bad"])
    with pytest.raises(TrainingError, match=r"on others; left out: a: bad \(and 1 other\)$"):
        split(few, Work(tmp_path), lambda line: None)


def test_all_that_is_left_out_is_listed(tmp_path: Path) -> None:
    found = UsableRecordings(spoken_by(*"abcdefgh").utterances, ["x.wav: bad", "y.wav: worse"])
    lines: list[str] = []
    split(found, Work(tmp_path), lines.append)
    assert lines[0].startswith("left out: 2 recordings, the first: x.wav: bad; all: ")
    assert (tmp_path / "left_out.txt").read_text() == "x.wav: bad\ny.wav: worse\n"
