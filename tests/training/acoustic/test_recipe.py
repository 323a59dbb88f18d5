import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from speechlstm.config import NetworkConfig, Settings, TrainConfig
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.errors import ConfigError, ManifestError, TrainingError
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.manifests import RunManifests, load_data
from speechlstm.training.acoustic.recipe import prepare_run
from speechlstm.training.acoustic.run import load_run
from speechlstm.training.acoustic.session import TrainingSession
from speechlstm.training.acoustic.trainer import Trainer

SETTINGS = Settings(model=NetworkConfig(num_layers=1, num_units=2), training=TrainConfig(seed=7))
WriteTones = Callable[[Path, Sequence[str]], Path]


@pytest.fixture
def manifests(write_tones: WriteTones, tmp_path: Path) -> tuple[Path, Path]:
    train = write_tones(tmp_path / "train.jsonl", ["ab", "b, A!"])
    return train, write_tones(tmp_path / "valid.jsonl", ["ba"])


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The trainers that are made; they do not train."""
    made: list[Any] = []

    def train(trainer: Trainer) -> None:
        made.append(trainer)

    monkeypatch.setattr(Trainer, "train", train)
    return made


def test_a_run_is_made_of_manifests_and_settings(
    manifests: tuple[Path, Path], tmp_path: Path
) -> None:
    train, valid = manifests
    run = prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), SETTINGS)
    assert run.alphabet == Alphabet((" ", "a", "b"))
    assert run == load_run(tmp_path / "run")
    assert (run.settings, run.train, run.valid) == (SETTINGS, (train,), (valid,))
    run.best.touch()
    with pytest.raises(ConfigError, match="holds a run"):
        prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), SETTINGS)


def test_the_same_command_finds_its_run_again(manifests: tuple[Path, Path], tmp_path: Path) -> None:
    train, valid = manifests
    first = prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), SETTINGS)
    first.checkpoint.write_bytes(b"of an update")
    assert (
        prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), SETTINGS, again=True)
        == first
    )
    assert first.checkpoint.read_bytes() == b"of an update"
    for other in (SETTINGS.with_training(seed=5), SETTINGS.with_training(num_epochs=99)):
        with pytest.raises(ConfigError, match="already holds a run"):
            prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), other, again=True)
    with pytest.raises(ConfigError, match="already holds a run"):
        prepare_run(
            tmp_path / "run", RunManifests.read([train, train], [valid]), SETTINGS, again=True
        )
    first.description.write_text("{")
    with pytest.raises(ConfigError, match="already holds a run"):
        prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), SETTINGS, again=True)


def test_a_recording_in_both_manifests_is_refused(
    manifests: tuple[Path, Path], tmp_path: Path
) -> None:
    train, valid = manifests
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (leaking,) = list(Manifest(valid))
    moved = Utterance("renamed", f"../{train.stem}1.wav", leaking.duration, "ba")
    write_manifest(folder / "valid.jsonl", [moved])
    with pytest.raises(
        TrainingError, match=r"valid\.jsonl: the recording of renamed is in a training"
    ):
        prepare_run(
            tmp_path / "run", RunManifests.read([train], [valid, folder / "valid.jsonl"]), SETTINGS
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file"),
        ("", "has no utterance"),
        ('{"id": "x"}\n', "lacks the key"),
    ],
)
def test_manifests_without_utterances_are_refused(
    which: int, content: str | None, reason: str, manifests: tuple[Path, Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jsonl"
    if content is not None:
        bad.write_text(content)
    paths = [bad if which == index else path for index, path in enumerate(manifests)]
    with pytest.raises(ManifestError, match=rf"bad\.jsonl.*{reason}"):
        prepare_run(tmp_path / "run", RunManifests.read([paths[0]], [paths[1]]), SETTINGS)
    assert not (tmp_path / "run").exists()


def test_manifests_without_transcripts_are_refused(
    manifests: tuple[Path, Path], tmp_path: Path
) -> None:
    silent = tmp_path / "silent.jsonl"
    texts = [None, "", "...!"]
    write_manifest(
        silent, [Utterance(f"{k}", f"{k}.wav", 1.0, text) for k, text in enumerate(texts)]
    )
    with pytest.raises(TrainingError, match="no utterance of the training manifests has a transcr"):
        prepare_run(tmp_path / "run", RunManifests.read([silent], [manifests[1]]), SETTINGS)


def test_frozen_layers_need_another_model(manifests: tuple[Path, Path], tmp_path: Path) -> None:
    train, valid = manifests
    settings = SETTINGS.with_training(frozen_layers=1)
    with pytest.raises(ConfigError, match=r"training\.frozen_layers: needs a model to start from"):
        prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), settings)


def test_each_training_manifest_has_a_weight(manifests: tuple[Path, Path], tmp_path: Path) -> None:
    train, valid = manifests
    settings = SETTINGS.with_training(weights=(2.0, 0.5))
    with pytest.raises(ConfigError, match=r"training\.weights: .* has 2 for 1 manifest$"):
        prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), settings)
    run = prepare_run(tmp_path / "run", RunManifests.read([train, train], [valid]), settings)
    data, _ = load_data(load_run(run.path), lambda line: None)
    assert [(e.id, e.share) for e in data.examples] == [
        ("train0", 1.0), ("train0 (2)", 1.0), ("train1", 1.0), ("train1 (2)", 1.0),
        ("train0 (3)", 0.5), ("train1 (3)", 0.5),
    ]  # fmt: skip


def test_what_cannot_be_used_is_listed(
    manifests: tuple[Path, Path], trainers: list[Any], tmp_path: Path
) -> None:
    train, valid = manifests
    first, told = next(iter(Manifest(train))), next(iter(Manifest(valid)))
    faulty = [
        Utterance("gone", "gone.wav", 1.0, "ab"),
        Utterance("long", "train0.wav", first.duration, "ab" * 50),
        Utterance("untold", "train0.wav", 1.0),
        Utterance("cut", "train1.wav", 60.0, "ab"),
    ]
    write_manifest(train, [*Manifest(train), *faulty])
    strange = Utterance("strange", "valid0.wav", told.duration, "xyz")
    write_manifest(valid, [*Manifest(valid), strange])
    run = prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), SETTINGS)
    lines: list[str] = []
    # Of the validation manifest no alphabet is made.
    assert run.alphabet == Alphabet((" ", "a", "b"))
    TrainingSession(Trainer, lines.append, tmp_path / "cache").train(run)
    refused = (run.path / "refused.txt").read_text().splitlines()
    assert len(refused) == 4
    assert refused[0].startswith(f"{tmp_path / 'gone.wav'}: cannot be read")
    # As without a cache, where a recording that was cut is refused, too.
    assert refused[1].startswith(f"{tmp_path / 'train1.wav'}: lasts 0.")
    assert refused[1].endswith(" s, its manifest says 60.00 s")
    assert "text needs 100 frames" in refused[2]
    assert "not in the alphabet: 'x' (U+0078)" in refused[3]
    assert lines[0].startswith("warning: 4 recordings cannot be used, the first: ")
    assert lines[1].startswith("2 training utterances, 1 validation utterance, ")
    (trainer,) = trainers
    assert [example.id for example in trainer.train_data.corpus.examples] == ["train0", "train1"]
    assert (tmp_path / "cache").is_dir()
    assert not (run.path / "cache").exists()


def test_no_usable_utterance_is_an_error(
    manifests: tuple[Path, Path], trainers: list[Any], tmp_path: Path
) -> None:
    train, valid = manifests
    run = prepare_run(tmp_path / "run", RunManifests.read([train], [valid]), SETTINGS)
    (tmp_path / "valid0.wav").write_bytes(b"")
    with pytest.raises(
        TrainingError, match=rf"^{valid}: no usable utterance: .*valid0\.wav: [^\n]+"
    ):
        TrainingSession(Trainer, lambda line: None).train(run)
    assert trainers == []


def test_the_cache_lies_in_the_run(
    manifests: tuple[Path, Path], trainers: list[Any], tmp_path: Path
) -> None:
    run = prepare_run(tmp_path / "run", RunManifests.read([manifests[0]], [manifests[1]]), SETTINGS)
    TrainingSession(Trainer, lambda line: None).train(run)
    assert len(list((run.path / "cache").iterdir())) == 3
    assert json.loads((run.path / "run.json").read_text())["training"]["seed"] == 7
    assert trainers[0].run == run
