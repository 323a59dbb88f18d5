from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from speechlstm.corpora.manifest import Manifest

Run = Callable[..., Result]


def test_build_lists_what_it_leaves_out(run: Run, recordings: Path, tmp_path: Path) -> None:
    (recordings / "ben" / "1.txt").unlink()
    result = run("build", recordings, "-o", tmp_path / "all.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {recordings / 'ben' / '1.wav'}: has no text")
    assert [u.speaker for u in Manifest(tmp_path / "all.jsonl")] == ["anna", "carl"]


def test_suffixes_of_texts_and_recordings_are_in_any_case(
    run: Run, recordings: Path, tmp_path: Path
) -> None:
    """As recorders and old programs write them, on systems that tell the cases apart."""
    for name, ways in (("anna", (".WAV", ".TXT")), ("ben", (".Wav", ".LAB"))):
        for suffix, way in zip((".wav", ".txt"), ways, strict=True):
            (recordings / name / f"1{suffix}").rename(recordings / name / f"1{way}")
    assert run("build", recordings, "-o", tmp_path / "all.jsonl").exit_code == 0
    assert [u.text for u in Manifest(tmp_path / "all.jsonl")] == ["Yes."] * 3
    subtitles = "1\n00:00:00,000 --> 00:00:00,500\nYes.\n"
    (recordings / "anna" / "1.srt").write_text(subtitles)
    assert run("import", "srt", recordings / "anna", "-o", tmp_path / "srt.jsonl").exit_code == 0


def test_build_says_how_many_texts_are_empty(run: Run, recordings: Path, tmp_path: Path) -> None:
    (recordings / "ben" / "1.txt").write_text(" \n")
    result = run("build", recordings, "-o", tmp_path / "all.jsonl")
    assert result.stderr.endswith(
        ": 3 utterances, 1 of them of silence (an empty text), 0 left out\n"
    )


def test_build_lists_noise_without_texts(run: Run, recordings: Path, tmp_path: Path) -> None:
    (recordings / "ben" / "1.txt").unlink()
    (recordings / "carl" / "2.wav").write_bytes(b"")
    result = run("build", "--no-text", recordings, "-o", tmp_path / "noise.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {recordings / 'carl' / '2.wav'}: ")
    noise = list(Manifest(tmp_path / "noise.jsonl"))
    assert [(u.id, u.duration, u.text) for u in noise] == [
        ("anna/1", 1.0, None), ("ben/1", 1.0, None), ("carl/1", 1.0, None)
    ]  # fmt: skip


def test_build_writes_no_empty_manifest(run: Run, tmp_path: Path) -> None:
    result = run("build", tmp_path, "-o", tmp_path / "all.jsonl")
    assert result.exit_code == 1
    assert "no recording with a text beside it" in result.stderr
    assert not (tmp_path / "all.jsonl").exists()
