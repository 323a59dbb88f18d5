import runpy
from pathlib import Path

import pytest

from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "recipes" / "adapt_benchmark.py"))


def test_so_many_minutes_are_the_beginning_of_more_of_them() -> None:
    utterances = [Utterance(f"{i}", f"{i}.wav", 7.0, "yes") for i in range(100)]
    one, five = (SCRIPT["first_minutes"](utterances, minutes) for minutes in (1.0, 5.0))
    assert five[: len(one)] == one
    assert 60 <= sum(u.duration for u in one) < 67
    assert SCRIPT["first_minutes"](utterances, 60.0) != utterances  # in another order
    assert len(SCRIPT["first_minutes"](utterances, 60.0)) == 100


@pytest.mark.parametrize("task", ["librispeech-speaker", "german", "an4"])
def test_what_is_tested_on_is_not_learnt_from(tmp_path: Path, task: str) -> None:
    wanted = SCRIPT["TASKS"][task]
    folder = tmp_path / wanted.corpus
    folder.mkdir()
    for name, first in (("train.jsonl", 0), ("valid.jsonl", 1000)):
        speaker = wanted.speaker or f"s{first}"
        lines = [
            Utterance(f"{i}", f"{i}.wav", 20.0, "yes", speaker if i % 2 else f"{i % 7}")
            for i in range(first, first + 200)
        ]
        write_manifest(folder / name, lines)
    (tmp_path / "out").mkdir()
    train, test = SCRIPT["make_lists"](tmp_path, tmp_path / "out", wanted)
    learnt, measured = ({u.audio for u in Manifest(path)} for path in (train, test))
    assert learnt
    assert measured
    assert not learnt & measured
    assert all((tmp_path / "out" / audio).resolve().parent == folder for audio in learnt)


def test_the_table_names_what_was_measured() -> None:
    row = {
        "task": "an4", "minutes": 5.0, "keep": 0.3, "scratch": False, "learnt": 5.0,
        "known": "nothing", "wall_minutes": 7.0, "cpu_minutes": 4.0, "before": 0.5, "wer": 0.1,
        "wer_interval": [0.05, 0.15], "cer": 0.02, "utterances": 9,
    }  # fmt: skip
    lines = SCRIPT["table"]([row, row | {"before": None, "scratch": True}]).splitlines()
    assert lines[2] == (
        "| an4, keep 0.3 | nothing | 5.0 | 7.0 (4.0) | 50.0 % | 10.0 % | 5.0 to 15.0 | 2.0 % |"
    )
    assert lines[3].startswith("| an4, keep 0.3, from scratch |  | 5.0 | 7.0 (4.0) |  | ")
