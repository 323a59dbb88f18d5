from pathlib import Path, PurePath

import pytest

from speechlstm.audio import without_suffix
from speechlstm.errors import ConfigError
from speechlstm.transcript import folder as folder_module
from speechlstm.transcript.folder import SUFFIX_OF, TranscriptFolder
from speechlstm.transcript.formats import FORMATS, SUFFIXES


def made(folder: Path, *names: str) -> TranscriptFolder:
    stems = [without_suffix(PurePath(name)) for name in names]
    return TranscriptFolder(folder, map(Path, names), stems, ["srt", "json"])


def test_each_format_has_the_suffix_that_chooses_it() -> None:
    assert {name: SUFFIXES[suffix.lower()] for name, suffix in SUFFIX_OF.items()} == {
        name: name for name in FORMATS
    }


def test_recordings_that_differ_in_their_suffix_collide(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.wav and a\.mp3 would have the same transcript"):
        made(tmp_path / "out", "a.wav", "b.wav", "a.mp3")
    assert not (tmp_path / "out").exists()
    made(tmp_path, "a.b.wav", "a.c.wav", "x/a.wav", "a.wav", "call.1", "call.2")


def test_a_recording_that_is_given_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.wav: is given twice"):
        made(tmp_path, "a.wav", "a.wav")


def test_names_that_differ_in_case_collide_where_files_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for merges in (False, True):
        monkeypatch.setattr(folder_module, "_MERGES_CASE", merges)
        if merges:
            with pytest.raises(ConfigError, match="same transcript"):
                made(tmp_path, "a.wav", "A.wav")
            with pytest.raises(ConfigError, match="same transcript"):
                made(tmp_path, "\u00e9.wav", "e\u0301.wav")
        else:
            made(tmp_path, "a.wav", "A.wav")
