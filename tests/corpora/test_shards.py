import io
import json
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.overlap import first_overlap
from speechlstm.corpora.shards import pack
from speechlstm.errors import ConfigError, DataError

RATE = 8000


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Recordings of several formats, a piece of a long one, and two that cannot be packed."""
    noise = np.random.default_rng(1).integers(-(2**15), 2**15, (6, 4 * RATE)).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", noise[0, :RATE], RATE)
    soundfile.write(tmp_path / "b.flac", noise[1, :RATE], RATE)
    soundfile.write(tmp_path / "c.ogg", noise[2, :RATE] / 2**16, RATE, "OPUS", format="OGG")
    soundfile.write(tmp_path / "d.wav", noise[3] / 2**15 + 2.0**-20, RATE, "PCM_24")
    soundfile.write(tmp_path / "e.wav", noise[4:, :RATE].T, RATE)  # stereo
    (tmp_path / "f.wav").write_bytes(b"RIFF")
    listed = [
        Utterance("a", "a.wav", 1.0, "one", "anna"),
        Utterance("b/x.1", "b.flac", 1.0, "two", "ben"),
        Utterance("c", "c.ogg", 1.0, ""),
        Utterance("d", "d.wav", 1.5, "vier", offset=2.0),
        Utterance("e", "e.wav", 1.0),
        Utterance("f", "f.wav", 1.0, "damaged"),
    ]
    write_manifest(tmp_path / "all.jsonl", listed)
    with (tmp_path / "all.jsonl").open("a") as file:
        file.write("no JSON\n")
    return Manifest(tmp_path / "all.jsonl")


def packed(manifest: Manifest, folder: Path, *options: object) -> Manifest:
    assert len(list(pack(manifest, folder, *options))) == 7
    return Manifest(folder)


def test_shards_are_a_manifest_of_the_same_sounds(manifest: Manifest, tmp_path: Path) -> None:
    entries = list(pack(manifest, tmp_path / "shards"))
    shards = Manifest(tmp_path / "shards")
    assert entries[:5] == list(shards)
    assert [str(fault) for fault in entries[5:]] == [
        f"{tmp_path / 'f.wav'}: {entries[5].reason}", f"{manifest.path}:7: {entries[6].reason}"
    ]  # fmt: skip
    before = [entry for entry in manifest.entries() if isinstance(entry, Utterance)]
    for old, new in zip(before, shards, strict=False):
        assert replace(old, audio="", offset=None) == replace(new, audio="")
        sounds = [m.recording(u) for m, u in ((manifest, old), (shards, new))]
        one, other = map(read_audio, sounds)
        assert one.sample_rate == other.sample_rate
        tolerance = 2.0**-24 if old.id == "e" else 0  # the mean of two channels has 17 bits
        np.testing.assert_allclose(one.samples, other.samples, rtol=0, atol=tolerance)
    assert first_overlap([shards], [shards]) == (shards, entries[0])


def test_the_layout_is_that_of_webdataset(manifest: Manifest, tmp_path: Path) -> None:
    shards = packed(manifest, tmp_path / "shards", None, 30_000)
    archives = sorted((tmp_path / "shards").glob("*.tar"))
    found: list[tuple[str, bytes]] = []
    for archive in archives:
        with tarfile.open(archive) as tar:
            assert all(m.isreg() and m.mtime == m.uid == 0 for m in tar.getmembers())
            found += [(m.name, tar.extractfile(m).read()) for m in tar.getmembers()]
        assert archive.stat().st_size % 512 == 0
    assert [archive.name for archive in archives] == [f"{k:06}.tar" for k in range(len(archives))]
    assert len(archives) == 4
    names = [name for name, _ in found]
    assert names == [
        *("00000000-a.flac", "00000000-a.json", "00000001-b_x_1.flac", "00000001-b_x_1.json"),
        *("00000002-c.ogg", "00000002-c.json", "00000003-d.flac", "00000003-d.json"),
        *("00000004-e.flac", "00000004-e.json"),
    ]
    contents = dict(found)
    assert contents["00000001-b_x_1.flac"] == (tmp_path / "b.flac").read_bytes()
    assert contents["00000002-c.ogg"] == (tmp_path / "c.ogg").read_bytes()
    assert json.loads(contents["00000003-d.json"]) == {
        "id": "d", "text": "vier", "duration": 1.5, "sample_rate": RATE
    }  # fmt: skip
    pieces, _ = soundfile.read(io.BytesIO(contents["00000000-a.flac"]), dtype="int16")
    np.testing.assert_array_equal(pieces, soundfile.read(tmp_path / "a.wav", dtype="int16")[0])
    lines = (tmp_path / "shards" / "nemo.jsonl").read_text().splitlines()
    listed = [json.loads(line) for line in lines]
    assert [line["audio_filepath"] for line in listed] == names[::2]
    for line, utterance in zip(listed, shards, strict=True):
        with tarfile.open(archives[line["shard_id"]]) as tar:
            assert line["audio_filepath"] in tar.getnames()
        assert (line["text"], line["duration"]) == (utterance.text or "", utterance.duration)


@pytest.mark.parametrize("encoding", [None, "flac", pytest.param("opus", marks=pytest.mark.slow)])
def test_the_bytes_are_the_same_each_time(
    encoding: str | None, manifest: Manifest, tmp_path: Path
) -> None:
    contents = []
    for name in ("one", "two"):
        packed(manifest, tmp_path / name, encoding, 30_000)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1]
    for utterance in Manifest(tmp_path / "one"):
        assert utterance.audio.endswith(f".{encoding}") or encoding is None
        audio = read_audio(Manifest(tmp_path / "one").recording(utterance))
        assert audio.duration == utterance.duration
        assert audio.duration == pytest.approx(1.5 if utterance.id == "d" else 1.0, abs=0.01)


def test_only_shards_are_replaced(manifest: Manifest, tmp_path: Path) -> None:
    packed(manifest, tmp_path / "shards", "flac", 10_000)
    packed(manifest, tmp_path / "shards")
    assert sorted(p.name for p in (tmp_path / "shards").iterdir()) == [
        "000000.tar", "manifest.jsonl", "nemo.jsonl"
    ]  # fmt: skip
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    with pytest.raises(ConfigError, match="something else than shards"):
        list(pack(manifest, tmp_path))
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*")} == before


@pytest.mark.parametrize(
    "names", [["manifest.jsonl"], ["corpus.tar", "manifest.jsonl", "nemo.jsonl"]]
)
def test_other_lists_and_archives_are_not_replaced(
    manifest: Manifest, tmp_path: Path, names: list[str]
) -> None:
    (tmp_path / "mine").mkdir()
    for name in names:
        (tmp_path / "mine" / name).write_text("mine")
    with pytest.raises(ConfigError, match="something else than shards"):
        list(pack(manifest, tmp_path / "mine"))
    assert sorted(p.name for p in (tmp_path / "mine").iterdir()) == names


def test_shards_with_recordings_of_the_manifest_are_not_replaced(
    manifest: Manifest, tmp_path: Path
) -> None:
    shards = packed(manifest, tmp_path / "shards")
    part = [shards.moved_to(tmp_path, utterance) for utterance in list(shards)[:1]]
    write_manifest(tmp_path / "part.jsonl", part)
    with pytest.raises(ConfigError, match=r"shards: has recordings of .*part\.jsonl"):
        list(pack(Manifest(tmp_path / "part.jsonl"), tmp_path / "shards"))
    assert len(list(shards)) == 5


def test_the_folder_above_shards_is_made(manifest: Manifest, tmp_path: Path) -> None:
    packed(manifest, tmp_path / "new" / "shards")


def test_shards_are_packed_again(manifest: Manifest, tmp_path: Path) -> None:
    first = packed(manifest, tmp_path / "first", None, 30_000)
    assert len(list(pack(first, tmp_path / "second"))) == 5
    second = Manifest(tmp_path / "second")
    for one, other in zip(first, second, strict=True):
        assert replace(one, audio="") == replace(other, audio="")
        sound, again = (read_audio(m.recording(u)) for m, u in ((first, one), (second, other)))
        np.testing.assert_array_equal(sound.samples, again.samples)
    for path in (tmp_path / "first", tmp_path / "first" / "manifest.jsonl"):
        with pytest.raises(ConfigError, match="has the manifest that is to be packed"):
            list(pack(Manifest(path), tmp_path / "first"))


def test_an_interruption_leaves_nothing(manifest: Manifest, tmp_path: Path) -> None:
    entries = pack(manifest, tmp_path / "shards", None, 10_000)
    next(entries)
    entries.close()
    write_manifest(tmp_path / "bad.jsonl", [Utterance("f", "f.wav", 1.0, "damaged")])
    with pytest.raises(DataError, match=r"bad\.jsonl: no recording can be packed"):
        list(pack(Manifest(tmp_path / "bad.jsonl"), tmp_path / "shards"))
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_is_killed_leaves_the_old_shards(manifest: Manifest, tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    before = list(packed(manifest, shards))
    first = next(iter(manifest.entries()))
    assert isinstance(first, Utterance)
    write_manifest(tmp_path / "long.jsonl", (replace(first, id=f"{k}") for k in range(3000)))
    command = [sys.executable, "-m", "speechlstm", "manifest", "pack", tmp_path / "long.jsonl"]
    process = subprocess.Popen([*map(str, command), "-o", str(shards), "--shard-size", "0.1"])
    while not any(tmp_path.glob(".shards.*.tmp/000003.tar")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert list(Manifest(shards)) == before
    assert len(list(tmp_path.glob(".shards.*"))) == 1
    assert list(packed(manifest, shards)) == before
    assert not any(tmp_path.glob(".shards.*"))


def test_a_shard_that_is_missing_or_cut_is_named(manifest: Manifest, tmp_path: Path) -> None:
    shards = packed(manifest, tmp_path / "shards")
    (archive,) = (tmp_path / "shards").glob("*.tar")
    first, *_, last = shards
    archive.write_bytes(archive.read_bytes()[:20_000])
    assert len(read_audio(shards.recording(first)).samples) == RATE
    with pytest.raises(DataError, match=r"000000\.tar/.*-e\.flac: cannot be read: lies beyond"):
        read_audio(shards.recording(last))
    archive.unlink()
    with pytest.raises(DataError, match=r"-a\.flac: cannot be read: No such file"):
        read_audio(shards.recording(first))


def test_another_recording_at_the_same_place_is_not_taken_for_it(
    manifest: Manifest, tmp_path: Path
) -> None:
    for name in ("a.wav", "e.wav"):  # as long in one shard as in the other
        soundfile.write(tmp_path / name, np.full(RATE, ord(name[0]), np.int16), RATE)
    shards = packed(manifest, tmp_path / "shards", None, 1)
    one, other = ((tmp_path / "shards" / f"00000{i}.tar") for i in (0, 4))
    first, *_, last = shards
    assert first.audio.split("/")[1] == last.audio.split("/")[1]
    one.replace(tmp_path / "kept.tar")
    other.replace(one)
    (tmp_path / "kept.tar").replace(other)
    for utterance in (first, last):
        with pytest.raises(DataError, match="is not at this place of its archive"):
            read_audio(shards.recording(utterance))


@pytest.mark.parametrize(
    ("rate", "packed_rate"), [(96_001, 96_000), (192_000, 192_000), (768_000, 655_350)]
)
def test_rates_that_flac_cannot_have(rate: int, packed_rate: int, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(rate // 10, np.int16), rate)
    write_manifest(tmp_path / "all.jsonl", [Utterance("a", "a.wav", rate // 10 / rate)])
    (utterance,) = pack(Manifest(tmp_path / "all.jsonl"), tmp_path / "shards")
    audio = read_audio(Manifest(tmp_path / "shards").recording(utterance))
    assert audio.sample_rate == packed_rate
    assert audio.duration == pytest.approx(0.1, abs=1e-4)


def test_a_recording_that_is_shorter_than_its_manifest_says_is_left_out(
    manifest: Manifest, tmp_path: Path
) -> None:
    listed = [u for u in manifest.entries() if isinstance(u, Utterance)]
    write_manifest(tmp_path / "cut.jsonl", [listed[0], replace(listed[1], duration=9.0)])
    first, fault = pack(Manifest(tmp_path / "cut.jsonl"), tmp_path / "shards")
    assert str(fault) == f"{tmp_path / 'b.flac'}: lasts 1.00 s, its manifest says 9.00 s"
    assert list(Manifest(tmp_path / "shards")) == [first]
