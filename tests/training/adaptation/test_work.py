from pathlib import Path

import pytest

from speechlstm.errors import ConfigError, ModelError
from speechlstm.training.adaptation.work import BASE, CONTENTS, Work, fingerprint
from speechlstm.training.engine.lock import locked


def test_the_same_inputs_go_on_others_are_refused(tmp_path: Path) -> None:
    work = Work(tmp_path / "work")
    work.make()
    assert not work.open({"recordings": "a", "keep": 0.0})
    assert work.open({"recordings": "a", "keep": 0.0})
    with pytest.raises(ConfigError, match=r"other inputs \(keep: 0.0 there, 0.3 here\)"):
        work.open({"recordings": "a", "keep": 0.3})


def test_a_base_that_has_changed_since_is_not_gone_on_with(tmp_path: Path) -> None:
    work = Work(tmp_path / "work")
    work.make()
    work.open({"recordings": "a", BASE: "1f"})
    with pytest.raises(ConfigError, match=r"the model to start from has changed.*; remove it to"):
        work.open({"recordings": "a", BASE: "2e"})
    work.write("adapt.json", {"recordings": "a"})  # as version 0.1.0 wrote it
    assert work.open({"recordings": "a", BASE: "2e"})


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ConfigError, match="holds something else"):
        Work(tmp_path).make()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_process_that_was_killed_at_the_start_leaves_no_foreign_folder(tmp_path: Path) -> None:
    work = Work(tmp_path / "work")
    work.make()
    with locked(work.path):
        (work / ".adapt.json.1a2b3c4d.tmp").write_text("{")
        (work / "lock.pid").rename(work / "kept")
    (work / "kept").rename(work / "lock.pid")
    work.make()
    assert not work.open({"keep": 0.0})


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    work = Work(tmp_path)
    work.write("plan.json", {"num_epochs": 3})
    assert work.read("plan.json") == {"num_epochs": 3}
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(ModelError, match=r"plan\.json: damaged"):
        work.read("plan.json")


def test_a_file_without_a_checksum_of_its_own_that_changes_is_named(tmp_path: Path) -> None:
    work = Work(tmp_path)
    text = tmp_path / "train.jsonl"
    text.write_text('{"text": "left"}\n')
    work.refuse_changes("train.jsonl")
    (tmp_path / "lexicon.dict").write_text("left L EH F T\n")
    work.refuse_changes("train.jsonl")
    work.refuse_changes("lexicon.dict")
    text.write_text('{"text": "lest"}\n')
    with pytest.raises(ModelError, match=r"train\.jsonl: has changed since .*, or remove"):
        work.refuse_changes("train.jsonl")
    text.unlink()
    with pytest.raises(ModelError, match=r"train\.jsonl: cannot be read: No such file"):
        work.refuse_changes("train.jsonl")
    work.refuse_changes("lexicon.dict")


def test_what_has_changed_since_is_not_taken_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, text = tmp_path / "said", tmp_path / "text"
    (folder / "ann").mkdir(parents=True)
    text.write_text("yes")
    before = fingerprint([folder, text])
    assert fingerprint([folder, text]) == before
    (folder / "ann" / "a.wav").write_text("1")
    after = fingerprint([folder, text])
    assert after != before
    (folder / "gone.wav").symlink_to("nowhere")  # is no reason to end
    assert fingerprint([folder, text]) != after
    (folder / "gone.wav").unlink()
    text.write_text("yes no")
    assert fingerprint([folder, text]) not in (before, after)
    (folder / "mine.work").mkdir()
    monkeypatch.chdir(tmp_path)
    assert fingerprint([Path("said")]) == fingerprint([folder])  # however it is named
    (folder / "mine.work" / "b.wav").touch()
    changed = fingerprint([folder], without=[folder / "mine.work"])
    assert changed == fingerprint([folder / "ann" / "a.wav"])
    work = Work(tmp_path / "work")
    work.make()
    work.open({CONTENTS: before})
    with pytest.raises(ConfigError, match="have changed since this was begun; remove it"):
        work.open({CONTENTS: after})


def test_what_depends_on_an_input_is_made_anew_when_it_changes(tmp_path: Path) -> None:
    work = Work(tmp_path / "work")
    work.make()
    work.open({"keep": 0.0, "init_from": "english"})
    (work / "lm.ngram").touch()
    (work / "bundle").mkdir()
    (work / "bundle" / "bundle.json").touch()
    (work / "run").mkdir()
    results = {"keep": ("lm.ngram", "bundle", "report.json")}
    assert work.open({"keep": 0.0, "init_from": "english"}, results)
    assert (work / "lm.ngram").exists()
    assert work.open({"keep": 0.3, "init_from": "english"}, results)
    assert sorted(path.name for path in work.path.iterdir()) == ["adapt.json", "run"]
    assert work.open({"keep": 0.3, "init_from": "english"})
    with pytest.raises(ConfigError, match=r"other inputs \(init_from: english there, mine here\)"):
        work.open({"keep": 0.3, "init_from": "mine"}, results)
