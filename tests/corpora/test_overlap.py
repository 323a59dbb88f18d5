import time
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
    overlap = first_overlap([Manifest(first)], [Manifest(second)])
    assert (overlap[1].id if overlap else None) == found


def test_links_lead_to_the_same_recording(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "link.wav").symlink_to(tmp_path / "a.wav")
    (tmp_path / "folder").symlink_to(tmp_path)
    mine, other, third = (Manifest(tmp_path / f"{name}.jsonl") for name in "xyz")
    write_manifest(mine.path, [piece("m", None, audio="link.wav")])
    write_manifest(other.path, [piece("o", None, audio="folder/a.wav")])
    write_manifest(third.path, [piece("t", None, audio="b.wav")])
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "a.wav").symlink_to(tmp_path / "b.wav")
    linked = Manifest(tmp_path / "linked.jsonl")
    write_manifest(linked.path, [piece("l", None, audio="c/a.wav")])
    assert first_overlap([linked], [mine]) is None
    assert first_overlap([linked], [third]) == (third, next(iter(third)))
    assert first_overlap([third, mine], [third]) == (third, next(iter(third)))
    assert first_overlap([third, mine], [other]) == (other, next(iter(other)))
    assert first_overlap([third], [mine, other]) is None


def test_names_at_an_address_are_compared_as_addresses(tmp_path: Path) -> None:
    mine, other = Manifest(tmp_path / "x.jsonl"), Manifest(tmp_path / "y.jsonl")
    write_manifest(mine.path, [piece("m", None, audio="https://example.org/b/../a.wav?x=1/2")])
    write_manifest(other.path, [piece("o", None, audio="https://example.org/a.wav?x=1/2")])
    assert first_overlap([mine], [other]) == (other, next(iter(other)))


@pytest.mark.slow
def test_the_work_grows_as_the_number_of_pieces(tmp_path: Path) -> None:
    mine, other = Manifest(tmp_path / "x.jsonl"), Manifest(tmp_path / "y.jsonl")
    write_manifest(mine.path, [piece(f"{k}", 4.0 * k) for k in range(3_000)])
    write_manifest(other.path, [piece(f"{k}", 4.0 * k + 2) for k in range(3_000)])
    started = time.process_time()
    assert first_overlap([mine], [other]) is None
    assert time.process_time() - started < 0.8  # seconds; all pairs would take 1.3
