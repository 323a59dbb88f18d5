"""A classifier of rising and falling tones: trained, interrupted, exported, started from."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from click.testing import CliRunner, Result

from speechlstm.classification import Classifier
from speechlstm.cli import main
from speechlstm.config import AugmentConfig, FeatureConfig, NetworkConfig, Settings, TrainConfig
from speechlstm.corpora.manifest import Manifest, write_manifest
from speechlstm.errors import BundleError, ConfigError, ModelError, TrainingError
from speechlstm.training.acoustic.manifests import RunManifests
from speechlstm.training.acoustic.run import load_run
from speechlstm.training.classification.corpus import classes_of, similar_classes
from speechlstm.training.classification.export import export_classifier
from speechlstm.training.classification.recipe import (
    prepare_run,
    resume_classifier,
    train_classifier,
)
from speechlstm.training.classification.run import ClassifierRun, load_classifier_run
from speechlstm.training.classification.transfer import read_encoder
from speechlstm.training.engine.checkpoint import load_checkpoint

SETTINGS = Settings(
    FeatureConfig(num_mels=16, num_mfcc=8),
    NetworkConfig(num_layers=2, num_units=6, dropout=0.1),
    TrainConfig(num_epochs=10, batch_seconds=5, learning_rate=2e-2, warmup_steps=0),
    AugmentConfig(speeds=(1.0,), time_masks=0, frequency_masks=0),
)
Sweeps = Callable[..., Path]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory, write_sweeps: Sweeps) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("sweeps")
    return write_sweeps(folder / "train.jsonl", 32), write_sweeps(folder / "valid.jsonl", 12)


@pytest.fixture(scope="module")
def trained(lists: tuple[Path, Path]) -> ClassifierRun:
    return train_classifier(*lists, lists[0].parent / "run", settings=SETTINGS)


@pytest.fixture(scope="module")
def bundle(trained: ClassifierRun) -> Path:
    path = trained.path.with_name("bundle")
    verification = export_classifier(trained, path)
    assert verification.max_difference < 1e-4
    assert verification.rate_name in verification.to_text()
    return path


def speechlstm(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.slow
def test_learns_to_tell_the_classes_apart(trained: ClassifierRun) -> None:
    assert trained.classes == ("down", "up")
    assert trained.summary()["valid_accuracy"] == 1
    assert trained.plot.read_bytes().startswith(b"\x89PNG")
    assert load_classifier_run(trained.path) == trained


@pytest.mark.slow
def test_the_file_gives_what_the_network_gives(bundle: Path, trained: ClassifierRun) -> None:
    classifier = Classifier.load(bundle)
    paths = [trained.valid[0].parent / f"valid{number}.wav" for number in range(12)]
    found = [classifier.classify_file(path) for path in paths]
    assert [result.label for result in found] == ["up", "down"] * 6
    portable = Classifier.load(bundle / "model.portable.tflite").classify_file(paths[0])
    assert portable.probabilities == pytest.approx(found[0].probabilities, abs=1e-4)
    assert np.isfinite(classifier.embed_file(paths[0])).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.tflite", "model.portable.tflite"])
def test_outputs_have_the_names_and_the_order_that_the_documentation_says(
    bundle: Path, name: str
) -> None:
    interpreter = Interpreter(model_path=str(bundle / name))
    outputs = interpreter.get_signature_list()["serving_default"]["outputs"]
    assert outputs == ["embedding", "log_probs"]
    found = interpreter.get_signature_runner()(samples=np.zeros((1, 16000), np.float32))
    assert (found["embedding"].shape, found["log_probs"].shape) == ((1, 24), (1, 2))
    first, second = (tuple(values["shape"]) for values in interpreter.get_output_details())
    assert (first[1], second[1]) == (24, 2)


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["float16", "int8", "int4"])
def test_smaller_files_keep_the_classes(
    trained: ClassifierRun, bundle: Path, tmp_path: Path, quantization: Any
) -> None:
    targets = ("interpreter",)
    found = export_classifier(trained, tmp_path / "b", quantization, targets=targets)
    assert found.file_errors.num_errors == 0
    assert found.num_bytes < (bundle / "model.tflite").stat().st_size
    if quantization == "int8":  # the weights can be read from it again
        again = export_classifier(tmp_path / "b", tmp_path / "c", targets=("everywhere",))
        assert (again.quantization, again.max_difference < 0.1) == ("int8", True)


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(lists: tuple[Path, Path], tmp_path: Path) -> None:
    settings = SETTINGS.with_training(num_epochs=2)
    whole = train_classifier(*lists, tmp_path / "whole", settings=settings)
    train_classifier(*lists, tmp_path / "run", settings=settings, only_prepare=True)
    path = tmp_path / "run"

    def stop(line: str) -> None:
        if line.startswith("epoch 1/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume_classifier(path, report=stop)
    resumed = resume_classifier(path)
    weights = []
    for run in (whole, resumed):
        network = run.new_network()
        load_checkpoint(run.best, {"model": network.variables})
        weights.append([w.tobytes() for w in network.get_weights()])
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_starts_from_a_recogniser_or_a_classifier(
    lists: tuple[Path, Path], bundle: Path, trained: ClassifierRun, tmp_path: Path
) -> None:
    read = RunManifests.read(lists[:1], lists[1:])
    for source in (bundle, trained.path):
        lines: list[str] = []
        run = prepare_run(
            tmp_path / source.name, read, "label",
            SETTINGS.with_training(frozen_layers=1), read_encoder(source), lines.append,
        )  # fmt: skip
        assert f"weights from {source}: output layer, for the same classes" in lines
        network = run.new_network()
        load_checkpoint(run.initial, {"model": network.variables})
        for a, b in zip(network.get_weights(), trained.best_network().get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
    lines = []
    english = read_encoder("english")
    prepare_run(tmp_path / "english", read, "label", english.settings, english, lines.append)
    kept = [f"{name} {n}" for name in ("recurrent layer", "normalization") for n in range(1, 5)]
    assert lines[0] == f"weights from {english.path}: {', '.join(kept)}"


@pytest.mark.slow
def test_the_commands_of_a_classifier(bundle: Path, lists: tuple[Path, Path]) -> None:
    one, two = (str(lists[1].parent / f"valid{number}.wav") for number in (0, 1))
    result = speechlstm("classify", "--bundle", bundle, one, two)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [[one, "up"], [two, "down"]]
    evaluated = speechlstm("evaluate", lists[1], "--bundle", bundle, "--json")
    assert json.loads(evaluated.stdout)["confusion"] == [[6, 0], [0, 6]]
    wrong = speechlstm("transcribe", "--bundle", bundle, one)
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert wrong.stderr.endswith("use it with speechlstm classify\n")


@pytest.mark.slow
def test_runs_of_the_other_task_are_refused(trained: ClassifierRun, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="it is the run of a classifier"):
        load_run(trained.path)
    with pytest.raises(ModelError, match="holds no run of a classifier"):
        load_classifier_run(tmp_path)


@pytest.mark.slow
def test_a_recogniser_with_its_files_is_not_replaced(
    trained: ClassifierRun, bundle: Path, tmp_path: Path
) -> None:
    for name, content in {"bundle.json": b"{}", "lm.ngram": b"model"}.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleError, match=r"its lm\.ngram would be lost"):
        export_classifier(trained, tmp_path, targets=("interpreter",))
    assert (tmp_path / "lm.ngram").read_bytes() == b"model"


def test_labels_that_cannot_be_learned_are_errors(tmp_path: Path, write_sweeps: Sweeps) -> None:
    train, valid = tmp_path / "train.jsonl", tmp_path / "valid.jsonl"
    cases = {
        "utterances without a label, the first: 'train0'; add it": ({"label": None}, {}),
        "all utterances have the label 'up'; a classifier needs": ({"label": "up"}, {}),
        r"the label 'sideways' of 'valid0' is in no training manifest": ({}, {"label": "sideways"}),
    }
    for message, fields in cases.items():
        write_sweeps(train, 4, **fields[0])
        write_sweeps(valid, 2, **fields[1])
        with pytest.raises(TrainingError, match=message):
            train_classifier(train, valid, tmp_path / "run", settings=SETTINGS)
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("other", "shown"),
    [("up ", r"'up' and 'up '"), ("ha\u0301lt", r"'ha\\u0301lt' and 'h\\xe1lt'")],
)
def test_labels_that_look_the_same_are_no_two_classes(
    other: str, shown: str, tmp_path: Path, write_sweeps: Sweeps
) -> None:
    train = write_sweeps(tmp_path / "train.jsonl", 4)
    first, *rest = Manifest(train)
    kept = "up" if other == "up " else "h\u00e1lt"
    write_manifest(train, [replace(first, label=other), *(replace(u, label=kept) for u in rest)])
    with pytest.raises(TrainingError, match=f"the labels {shown} look the same and would be two"):
        classes_of([Manifest(train)], "label")


def test_labels_that_differ_in_case_are_named() -> None:
    assert list(similar_classes(["Up", "up", "\uff35p", "down"])) == [
        ("Up", "up"),
        ("Up", "\uff35p"),
    ]


def test_frozen_layers_need_a_source(lists: tuple[Path, Path], tmp_path: Path) -> None:
    settings = SETTINGS.with_training(frozen_layers=1)
    with pytest.raises(ConfigError, match="needs a model to start from"):
        train_classifier(*lists, tmp_path / "run", settings=settings)


def test_options_of_the_other_task_are_wrong_usage(lists: tuple[Path, Path]) -> None:
    new = ["train", "--train", lists[0], "--valid", lists[1], "-o", "run"]
    for options, message in (
        (["--label", "speaker"], "--label needs --task classify"),
        (["--task", "classify", "--lexicon", "x"], "--lexicon is for recognisers"),
        (["--task", "classify", "--label", "id"], "'id' is not one of"),
    ):
        result = speechlstm(*new, *options)
        assert (result.exit_code, message in result.stderr) == (2, True)
