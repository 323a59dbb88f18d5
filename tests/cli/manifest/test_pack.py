from collections.abc import Callable
from pathlib import Path

from click.testing import Result

Run = Callable[..., Result]


def test_packed_recordings_pass_the_check(run: Run, recordings: Path, tmp_path: Path) -> None:
    everything, shards = tmp_path / "all.jsonl", tmp_path / "shards"
    run("build", recordings, "-o", everything)
    result = run("pack", everything, "-o", shards, "--shard-size", "0.002")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{shards}: 3 utterances in 3 shards, 0 left out\n"
    checked = run("check", shards)
    assert (checked.exit_code, checked.stdout) == (0, "")


def test_what_is_left_out_is_named(run: Run, recordings: Path, tmp_path: Path) -> None:
    everything, shards = tmp_path / "all.jsonl", tmp_path / "shards"
    run("build", recordings, "-o", everything)
    (recordings / "ben" / "1.wav").unlink()
    result = run("pack", everything, "-o", shards)
    assert result.exit_code == 1
    fault, total = result.stderr.splitlines()
    assert fault.startswith(f"Error: {recordings / 'ben' / '1.wav'}: cannot be read: No such file")
    assert total == f"{shards}: 2 utterances in 1 shard, 1 left out"
    result = run("pack", everything, "-o", recordings)
    assert result.exit_code == 1
    assert "something else than shards" in result.stderr


def test_a_list_that_is_missing_or_empty_is_one_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    for name, reason in (("no", "cannot be read: No such file"), ("empty", "has no utterance")):
        result = run("pack", tmp_path / f"{name}.jsonl", "-o", tmp_path / "shards")
        assert result.exit_code == 1
        (line,) = result.stderr.splitlines()
        assert line.startswith(f"Error: {tmp_path / name}.jsonl: {reason}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty.jsonl"]


def test_shards_are_not_written_to_an_address(run: Run, recordings: Path, tmp_path: Path) -> None:
    everything = tmp_path / "all.jsonl"
    run("build", recordings, "-o", everything)
    result = run("pack", everything, "-o", "s3://bucket/shards")
    assert result.exit_code == 2
    assert "s3://bucket/shards: is an address; give a folder of this machine" in result.stderr
    assert not Path("s3:").exists()
