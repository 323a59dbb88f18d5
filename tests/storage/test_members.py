import tarfile
from pathlib import Path

import pytest

from speechlstm.storage import Member


def test_a_member_is_read_at_the_place_that_its_name_has(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        tar.add(tmp_path / "a.txt", "a.txt")
    with tarfile.open(tmp_path / "x.tar") as tar:
        start = tar.getmember("a.txt").offset_data
    member = Member.named(tmp_path / "x.tar" / f"{start}+5" / "a.txt")
    assert member is not None
    assert member.read() == b"hello"


@pytest.mark.parametrize("name", ["a.txt", "x.tar", "x.tar/a.txt", "x.tar/1+2", "x.tar/-1+2/a.txt"])
def test_other_paths_name_no_member(name: str) -> None:
    assert Member.named(name) is None


@pytest.mark.parametrize("place", ["0+9", "8+1", f"0+{10**18 - 1}", f"{10**18 - 1}+1"])
def test_a_place_beyond_the_archive_is_an_error(place: str, tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(bytes(8))
    member = Member.named(tmp_path / "x.tar" / place / "a.txt")
    assert member is not None
    with pytest.raises(OSError, match="lies beyond the end of its archive"):
        member.read()
