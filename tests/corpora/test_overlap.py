from pathlib import Path

import pytest

from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.corpora.overlap import first_overlap


def piece(
    name: str, offset: float | None, duration: float = 2.0, audio: str = "a.wav"
) -> Utterance:
    return Utterance(name, audio, duration, "yes", offset=offset)


@pytest.mark.parametrize(
    ("mine", "found"),
    [
        ([piece("x", 4.0), piece("y", 9.0)], None),
        ([piece("x", 4.0), piece("y", 5.9)], "y"),
        ([piece("x", 8.0), piece("y", None)], "y"),
        ([piece("x", 6.0, audio="b.wav"), piece("y", 1.9, audio="../m/a.wav")], "y"),
        ([piece("x", 3.0, audio="c.wav")], "x"),
    ],
)
def test_pieces_overlap_in_time_and_whole_recordings_with_all(
    tmp_path: Path, mine: list[Utterance], found: str | None
) -> None:
    (tmp_path / "m").mkdir()
    first, second = tmp_path / "m" / "first.jsonl", tmp_path / "m" / "second.jsonl"
    write_manifest(first, [piece("p", 2.0), piece("q", 6.0), piece("r", None, audio="c.wav")])
    write_manifest(second, mine)
    overlap = first_overlap([Manifest(first)], Manifest(second))
    assert (overlap.id if overlap else None) == found
