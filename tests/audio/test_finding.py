from pathlib import Path

from speechlstm.audio import FoundRecording, found_recordings
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
