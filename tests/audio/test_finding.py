import os
import sys
from pathlib import Path
from typing import Any

import pytest

from speechlstm.audio import FoundRecording, find_recordings, found_recordings
from speechlstm.errors import AudioError


def test_folders_are_searched_and_files_taken_as_they_are(tmp_path: Path) -> None:
    for name in ("b.wav", "a/x.MP3", "a/.hidden/y.wav", "a/text.txt", "a.flac"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "none").mkdir()
    named = tmp_path / "in" / "a" / "text.txt"
    found = list(found_recordings([tmp_path / "in", tmp_path / "none", named, Path("-")]))
    names = [item.name.as_posix() for item in found if isinstance(item, FoundRecording)]
    assert names == ["a/x.MP3", "a.flac", "b.wav", "text.txt", "stdin"]
    (error,) = [item for item in found if isinstance(item, AudioError)]
    assert error.path == tmp_path / "none"
    assert ".wav" in str(error)
    (tmp_path / "none" / "000000.tar").touch()
    (error,) = found_recordings([tmp_path / "none"])
    assert "tar -xf" in str(error)


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes and links")
def test_a_pipe_is_no_recording_and_a_link_to_nothing_one_that_cannot_be_read(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "folder.wav" / "b.wav").touch()
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    (tmp_path / "nothing.wav").symlink_to("missing")
    (tmp_path / "loop").symlink_to(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in find_recordings(tmp_path)]
    assert names == ["a.wav", "folder.wav/b.wav", "nothing.wav"]


def test_a_folder_that_cannot_be_searched_is_named_and_the_others_are_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/x.wav", "secret/y.wav", "z/z.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scandir = os.scandir

    def denied(path: Any) -> Any:
        if os.fspath(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    *found, error = found_recordings([tmp_path])
    names = [item.name.as_posix() for item in found if isinstance(item, FoundRecording)]
    assert names == ["a/x.wav", "z/z.wav"]
    assert isinstance(error, AudioError)
    assert str(error) == f"{tmp_path / 'secret'}: cannot be searched: Permission denied"
    with pytest.raises(PermissionError):
        list(find_recordings(tmp_path))
