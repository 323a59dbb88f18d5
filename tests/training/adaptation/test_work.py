from pathlib import Path

import pytest

from speechlstm.errors import ConfigError, ModelError
from speechlstm.training.adaptation.work import Work


def test_the_same_inputs_go_on_others_are_refused(tmp_path: Path) -> None:
    work = Work(tmp_path / "work")
    assert not work.open({"recordings": "a", "keep": 0.0})
    assert work.open({"recordings": "a", "keep": 0.0})
    with pytest.raises(ConfigError, match=r"other inputs \(keep: 0.0 there, 0.3 here\)"):
        work.open({"recordings": "a", "keep": 0.3})


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ConfigError, match="holds something else"):
        Work(tmp_path).open({})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.write("plan.json", {"num_epochs": 3})
    assert work.read("plan.json") == {"num_epochs": 3}
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(ModelError, match=r"plan\.json: damaged"):
        work.read("plan.json")
