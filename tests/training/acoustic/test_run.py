import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from speechlstm.config import NetworkConfig, Settings, TrainConfig
from speechlstm.errors import ConfigError, ModelError
from speechlstm.storage import dump_checked, parse_checked
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.engine.checkpoint import save_checkpoint

SETTINGS = Settings(
    model=NetworkConfig(num_layers=1, num_units=3, bidirectional=False),
    training=TrainConfig(precision="bfloat16", seed=7),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    manifests = (tmp_path / "a.jsonl",), (tmp_path / "b.jsonl", tmp_path / "c.csv")
    made = Run(tmp_path / "runs" / "x", SETTINGS, Alphabet((" ", "a", "ß")), *manifests)
    made.create()
    return made


def rewrite(run: Run, **values: Any) -> None:
    path = run.path / "run.json"
    path.write_text(dump_checked(parse_checked(path.read_text()) | values))


def test_what_is_created_loads(run: Run) -> None:
    assert load_run(run.path) == run
    assert [path.name for path in run.path.iterdir()] == ["run.json"]


def test_manifests_are_found_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    valid, source = (Path("v.jsonl"),), Path("other")
    Run(Path("x"), SETTINGS, Alphabet(("a",)), (Path("t.jsonl"),), valid, source).create()
    loaded = load_run(Path("x"))
    assert loaded.train == (tmp_path / "t.jsonl",)
    assert loaded.valid == (tmp_path / "v.jsonl",)
    assert loaded.init_from == tmp_path / "other"


def test_a_run_is_not_overwritten(run: Run) -> None:
    (run.path / "checkpoint.npz").touch()
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(ConfigError, match=r"x: already holds a run; resume it with --resume"):
        replace(run, alphabet=Alphabet(("z",))).create()
    assert (run.path / "run.json").read_bytes() == before


def test_a_run_that_has_learnt_nothing_yet_is_replaced(run: Run) -> None:
    run.initial.touch()
    other = replace(run, alphabet=Alphabet(("z",)), phones=Alphabet(("AA", "B"), " "))
    other.create()
    assert load_run(run.path) == other
    assert not run.initial.exists()


def test_phones_are_those_of_the_dictionary_when_the_run_was_made(run: Run, tmp_path: Path) -> None:
    lexicon = tmp_path / "lexicon.dict"
    lexicon.write_text("a P1\n")
    made = replace(run, lexicon=lexicon, phones=Lexicon.read(lexicon).alphabet)
    assert made.read_lexicon() is not None
    lexicon.write_text("a P2\n")
    with pytest.raises(ConfigError, match=r"lexicon\.dict: its phones have changed since"):
        made.read_lexicon()


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError,
        match=rf"^{tmp_path}: holds no run of an acoustic model: No such file.*: run\.json$",
    ):
        load_run(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"train": 3}', "\xff", "null"], ids=repr)
def test_a_damaged_description_is_refused(run: Run, content: str) -> None:
    (run.path / "run.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(
        ModelError, match=r"run\.json: damaged, or not a run of an acoustic model: [^\n]+$"
    ):
        load_run(run.path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model": {"num_unit": 3}}, r"run\.json: model\.num_unit: unknown setting; known are "),
        ({"training": {"seed": "x"}}, r"run\.json: training\.seed: must be a whole number, is 'x'"),
    ],
)
def test_settings_of_another_version_are_refused(
    run: Run, values: dict[str, Any], message: str
) -> None:
    rewrite(run, **values)
    with pytest.raises(ConfigError, match=message):
        load_run(run.path)


@pytest.mark.parametrize("key", ["features", "model", "training", "alphabet", "train", "valid"])
def test_a_missing_key_is_named(run: Run, key: str) -> None:
    path = run.path / "run.json"
    values = parse_checked(path.read_text())
    path.write_text(dump_checked({k: v for k, v in values.items() if k != key}))
    with pytest.raises(
        ModelError,
        match=rf"run\.json: damaged, or not a run of an acoustic model: lacks the key '{key}'",
    ):
        load_run(run.path)


def test_the_best_model_has_the_best_weights(run: Run) -> None:
    keras.utils.set_random_seed(1)
    model = run.new_network()
    save_checkpoint(run.best, {"model": model.variables})
    keras.utils.set_random_seed(2)
    for found, expected in zip(run.best_network().variables, model.variables, strict=True):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
    assert model.num_labels == 4
    assert [(layer.num_units, layer.products) for layer in model.recurrent] == [(3, "bfloat16")]


def test_without_an_epoch_there_is_neither_model_nor_summary(run: Run) -> None:
    with pytest.raises(ModelError, match=r"no epoch of this run has ended yet; continue it"):
        run.best_network()
    with pytest.raises(ModelError, match=r"metrics\.jsonl: missing: no epoch has ended yet"):
        run.summary()


def test_weights_from_elsewhere_have_no_summary(run: Run) -> None:
    save_checkpoint(run.best, {"model": run.new_network().variables})
    assert run.summary() == {}


def test_the_summary_is_the_best_epochs(run: Run) -> None:
    rates = [(0.5, 0.4), (0.3, 0.2), (0.3, 0.1), (0.3, 0.1), (0.4, 0.0)]
    lines = [
        json.dumps({"epoch": epoch, "valid_wer": wer, "valid_cer": cer})
        for epoch, (wer, cer) in enumerate(rates, start=1)
    ]
    (run.path / "metrics.jsonl").write_text("\n".join(lines))
    assert run.summary() == {"epoch": 3, "valid_wer": 0.3, "valid_cer": 0.1}
    (run.path / "metrics.jsonl").write_text('{"epoch": 1}\n')
    with pytest.raises(ModelError, match=r"metrics\.jsonl: damaged: a line lacks 'valid_wer'"):
        run.summary()
