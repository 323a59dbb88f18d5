import io
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from speechlstm.corpora import unpacking
from speechlstm.corpora.unpacking import only_folder, unpack
from speechlstm.errors import DataError

FILES = {"corpus/a.txt": b"yes", "corpus/wav/b.wav": b"\0" * 5000}


def tar(path: Path, change: Callable[[tarfile.TarInfo], None] = lambda info: None) -> Path:
    with tarfile.open(path, f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w") as file:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            change(info)
            file.addfile(info, io.BytesIO(content))
    return path


def zipped(path: Path, rename: dict[str, str] | None = None, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in FILES.items():
            info = zipfile.ZipInfo((rename or {}).get(name, name))
            info.external_attr = mode << 16
            file.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.zip"])
def test_unpacks_files(tmp_path: Path, name: str) -> None:
    archive = (zipped if name.endswith("zip") else tar)(tmp_path / name)
    unpack(archive, tmp_path / "out")
    found = {
        p.relative_to(tmp_path / "out").as_posix(): p.read_bytes()
        for p in (tmp_path / "out").rglob("*")
        if p.is_file()
    }
    assert found == FILES
    assert only_folder(tmp_path / "out") == tmp_path / "out" / "corpus"
    assert sorted(p.name for p in tmp_path.iterdir()) == [name, "out"]


@pytest.mark.parametrize("after", [b"\r\n", b"\0" * 512])
def test_bytes_after_a_zip_are_ignored(tmp_path: Path, after: bytes) -> None:
    """As zipfile and unzip do: some downloads have them."""
    archive = zipped(tmp_path / "a.zip")
    with zipfile.ZipFile(archive, "a") as file:
        file.comment = b"of version 2"
    archive.write_bytes(archive.read_bytes() + after)
    unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "corpus" / "a.txt").read_bytes() == b"yes"


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "C:/evil.txt", "..\\evil.txt"]
)
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    def change(info: tarfile.TarInfo) -> None:
        info.name = name if info.name == "corpus/a.txt" else info.name

    (tmp_path / "in").mkdir()
    archives = [tar(tmp_path / "in" / "a.tar.gz", change)]
    archives.append(zipped(tmp_path / "in" / "a.zip", {"corpus/a.txt": name}))
    for archive in archives:
        with pytest.raises(DataError, match="leads outside of the folder; nothing is unpacked"):
            unpack(archive, tmp_path / "in" / "out")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar.gz", "a.zip", "in"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname = kind, "/etc/passwd"

    with pytest.raises(DataError, match="is a link or a device; nothing is unpacked"):
        unpack(tar(tmp_path / "a.tar", change), tmp_path / "out")
    with pytest.raises(DataError, match="is a link or a device"):
        unpack(zipped(tmp_path / "a.zip", mode=stat.S_IFLNK | 0o777), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "_MAX_SMALL", 1000)
    monkeypatch.setattr(unpacking, "_MAX_RATIO", 2)
    for archive in (tar(tmp_path / "a.tar.gz"), zipped(tmp_path / "a.zip")):
        with pytest.raises(DataError, match="unpacks to more than is plausible for its size"):
            unpack(archive, tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"not an archive", b"\x1f\x8b\x08damaged"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar\.gz: is damaged, or neither tar nor zip"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")


def test_a_truncated_archive_leaves_nothing(tmp_path: Path) -> None:
    for archive in (tar(tmp_path / "a.tar.gz"), zipped(tmp_path / "a.zip")):
        archive.write_bytes(archive.read_bytes()[:-60])
        with pytest.raises(DataError, match="is damaged"):
            unpack(archive, tmp_path / "out")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz", "a.zip"])
def test_a_truncated_archive_is_refused_or_has_all_files(tmp_path: Path, name: str) -> None:
    """A tar may be cut between two members; then it has no end mark."""
    whole = (zipped if name.endswith("zip") else tar)(tmp_path / name).read_bytes()
    step = tarfile.BLOCKSIZE if name == "a.tar" else 9
    for size in range(0, len(whole), step):
        (tmp_path / name).write_bytes(whole[:size])
        if name == "a.tar" and size >= 7 * 1024:  # behind the members and the end mark
            continue
        with pytest.raises(DataError, match=f"{name}: (is damaged|cannot be unpacked)"):
            unpack(tmp_path / name, tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"corpus/a.txt": ""})
    with pytest.raises(DataError, match=r"a\.zip: member '' leads outside of the folder"):
        unpack(archive, tmp_path / "out")


def test_a_zip_whose_list_of_members_is_damaged_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "a.zip").read_bytes())
    end = content.index(b"PK\x05\x06")
    content[end + 10 : end + 16] = bytes(6)  # no members in a list of no bytes
    (tmp_path / "a.zip").write_bytes(content)
    zipped(tmp_path / "b.zip", {"corpus/wav/b.wav": "corpus/wav/"})
    for name in ("a.zip", "b.zip"):
        with pytest.raises(DataError, match=f"{name}: is damaged.*(list of members|has content)"):
            unpack(tmp_path / name, tmp_path / "out")


def test_a_header_that_is_damaged_does_not_end_the_archive(tmp_path: Path) -> None:
    content = bytearray(tar(tmp_path / "a.tar").read_bytes())
    content[2 * tarfile.BLOCKSIZE] ^= 1  # the first letter of the second name
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar: is damaged.*no header where one should be"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


@pytest.mark.parametrize(
    "name",
    [
        "a.tar.bz2",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("a.tar.gz", "a.tar.xz", "a.zip")),
    ],
)
def test_no_flipped_bit_changes_what_is_unpacked(tmp_path: Path, name: str) -> None:
    """The checksum of a compressed archive stands behind the end mark of the tar in it."""
    whole = (zipped if name.endswith("zip") else tar)(tmp_path / name).read_bytes()
    for position in range(0, 8 * len(whole), 11):
        flipped = bytearray(whole)
        flipped[position // 8] ^= 1 << position % 8
        (tmp_path / name).write_bytes(flipped)
        try:
            unpack(tmp_path / name, tmp_path / "out")
        except DataError:
            continue
        found = [p.read_bytes() for p in sorted((tmp_path / "out").rglob("*")) if p.is_file()]
        assert found == list(FILES.values())
        shutil.rmtree(tmp_path / "out")
