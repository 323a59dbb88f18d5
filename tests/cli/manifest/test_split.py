from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from speechlstm.corpora.manifest import Manifest

Run = Callable[..., Result]


def test_from_recordings_to_two_manifests(run: Run, recordings: Path, tmp_path: Path) -> None:
    everything, train, valid = (tmp_path / name for name in ("all.jsonl", "t.jsonl", "v/v.jsonl"))
    valid.parent.mkdir()
    built = run("build", recordings, "-o", everything)
    assert (built.exit_code, built.stdout) == (0, "")
    assert built.stderr == f"{everything}: 3 utterances, 0 left out\n"
    checked = run("check", everything)
    assert (checked.exit_code, checked.stdout) == (0, "")
    split = run("split", everything, "--valid", "0.3", "--train-out", train, "--valid-out", valid)
    assert split.exit_code == 0
    assert [len(list(Manifest(path))) for path in (train, valid)] == [2, 1]
    for path in (train, valid):
        assert run("check", path).exit_code == 0


def test_split_never_writes_over_its_source(run: Run, recordings: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.jsonl"
    run("build", recordings, "-o", path)
    before = path.read_bytes()
    result = run("split", path, "--train-out", path, "--valid-out", tmp_path / "v.jsonl")
    assert result.exit_code == 2
    assert path.read_bytes() == before
