import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from speechlstm.corpora.manifest import Utterance, write_manifest

Run = Callable[..., Result]


def test_stats_as_text_and_as_json(run: Run, tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.jsonl", [Utterance("a", "a.wav", 7200.0, "yes no", "anna")])
    assert "2.00 h" in run("stats", tmp_path / "m.jsonl").stdout
    numbers = json.loads(run("stats", tmp_path / "m.jsonl", "--json").stdout)
    assert (numbers["num_words"], numbers["total_seconds"]) == (2, 7200.0)
