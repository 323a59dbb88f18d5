"""Training of a model of a few weights on tones, and of no model at all where that will do."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from speechlstm.config import AugmentConfig, NetworkConfig, Settings, TrainConfig
from speechlstm.corpora.manifest import Manifest, write_manifest
from speechlstm.corpora.shards import pack
from speechlstm.errors import ConfigError, ModelError, TrainingError
from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic import trainer as loop
from speechlstm.training.acoustic.corpus import Corpus, load_corpus
from speechlstm.training.acoustic.run import Run, load_run
from speechlstm.training.acoustic.trainer import Trainer
from speechlstm.training.acoustic.validation import Validation
from speechlstm.training.data.pcm_cache import PCMCache

pytestmark = pytest.mark.slow

ALPHABET = Alphabet((" ", "a", "b", "c"))
SETTINGS = Settings(
    model=NetworkConfig(num_layers=1, num_units=4, bidirectional=False, layer_norm=False),
    training=TrainConfig(num_epochs=2, batch_seconds=15, warmup_steps=3),
    augmentation=AugmentConfig(time_masks=0, frequency_masks=0),  # else losses are noise
)
TIMES = {"seconds", "valid_seconds", "speed", "stall"}  # of an epoch: what no two runs share

Corpora = tuple[Corpus, Corpus]


@pytest.fixture(scope="module", autouse=True)
def _eager() -> Iterator[None]:
    """Tracing graphs would take longer than all the rest; test_resume.py runs them."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def tones(
    tmp_path_factory: pytest.TempPathFactory, write_tones: Callable[[Path, Sequence[str]], Path]
) -> tuple[Path, Path]:
    """120 utterances to learn from, so that one of them is less than 1 %, and 4 to measure on."""
    folder = tmp_path_factory.mktemp("tones")
    generator = np.random.default_rng(1)
    texts = ["".join(generator.choice([*"abc"], 2 + k % 5)) for k in range(124)]
    train = write_tones(folder / "train.jsonl", texts[:120])
    return train, write_tones(folder / "valid.jsonl", texts[120:])


@pytest.fixture(scope="module")
def corpora_of_tones(tones: tuple[Path, Path]) -> Corpora:
    train, valid = (
        load_corpus([Manifest(path)], ALPHABET, SETTINGS, path.parent / "cache") for path in tones
    )
    return train, valid


def new_run(path: Path, **training: Any) -> Run:
    settings = replace(SETTINGS, training=replace(SETTINGS.training, **training))
    run = Run(path, settings, ALPHABET, (), ())
    run.create()
    return run


def new_trainer(run: Run, corpora: Corpora) -> tuple[Trainer, list[str]]:
    lines: list[str] = []
    return Trainer(run, *corpora, lines.append), lines


def variables(trainer: Trainer) -> list[bytes]:
    state = [*trainer.network.variables, *trainer.optimizer.variables]
    return [variable.numpy().tobytes() for variable in state]


def without_times(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key not in TIMES} for line in history]


def in_batch(trainer: Trainer, number: int, action: Callable[[], object]) -> None:
    """Have something happen while the trainer is in its number-th batch."""
    train_on_batch, batches = trainer.network.train_on_batch, iter(range(1, 1000))

    def counting(*batch: Any) -> Any:
        if next(batches) == number:
            action()
        return train_on_batch(*batch)

    trainer.network.train_on_batch = counting


@pytest.fixture(scope="module")
def uninterrupted(
    corpora_of_tones: Corpora, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Trainer, list[str]]:
    run = new_run(tmp_path_factory.mktemp("run") / "uninterrupted")
    trainer, lines = new_trainer(run, corpora_of_tones)
    trainer.train()
    return trainer, lines


def test_learns(uninterrupted: tuple[Trainer, list[str]]) -> None:
    history = uninterrupted[0].state.history
    assert [line["epoch"] for line in history] == [1, 2]
    assert history[1]["loss"] < history[0]["loss"]
    assert history[1]["valid_loss"] < history[0]["valid_loss"]
    assert all(line["seconds"] > 0 and 0 <= line["stall"] <= 1 for line in history)


def test_shards_are_learnt_from_as_files_are(
    uninterrupted: tuple[Trainer, list[str]], tones: tuple[Path, Path], tmp_path: Path
) -> None:
    corpora = []
    for path, settings in zip(tones, (SETTINGS.with_training(cache=False), SETTINGS), strict=True):
        list(pack(Manifest(path), tmp_path / path.stem, shard_bytes=100_000))
        shards = Manifest(tmp_path / path.stem)
        corpora.append(load_corpus([shards], ALPHABET, settings, tmp_path / "cache"))
    trainer, _ = new_trainer(new_run(tmp_path / "run"), (corpora[0], corpora[1]))
    trainer.train()
    whole, _ = uninterrupted
    assert without_times(trainer.state.history) == without_times(whole.state.history)
    assert variables(trainer) == variables(whole)
    assert len(list((tmp_path / "train").glob("*.tar"))) == 9
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_recordings_found_to_be_damaged_are_named_and_left_out(
    tones: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "text.wav").write_text("no recording")
    corpora = []
    for path in tones:
        sound = [replace(u, audio=f"{path.parent / u.audio}") for u in Manifest(path)]
        damaged = replace(sound[0], id="damaged", audio="text.wav")
        longer = replace(sound[1], id="longer", duration=sound[1].duration + 1)
        write_manifest(tmp_path / path.name, [damaged, *sound, longer])
        manifest = Manifest(tmp_path / path.name)
        settings = SETTINGS.with_training(cache=False)
        corpora.append(load_corpus([manifest], ALPHABET, settings, tmp_path / "cache"))
    trainer, lines = new_trainer(new_run(tmp_path / "run"), (corpora[0], corpora[1]))
    trainer.train()
    assert [sorted(corpus.cache.failures) for corpus in corpora] == [[0, 121], [0, 5]]
    warnings = [line for line in lines if line.startswith("warning: ")]
    reasons = sorted(reason for corpus in corpora for reason in corpus.cache.failures.values())
    assert len(warnings) == 3  # text.wav is in both lists
    assert all(any(reason in line for line in warnings) for reason in reasons)
    assert sorted((tmp_path / "run" / "refused.txt").read_text().splitlines()) == reasons[1:]
    assert np.isfinite([line["valid_loss"] for line in trainer.state.history]).all()
    for data, corpus in zip((trainer.train_data, trainer.valid_data), corpora, strict=True):
        used = [example.id for index in range(len(data)) for example in data.examples(index)]
        assert sorted(used) == sorted(corpus.examples.ids[1:-1])
        assert sum(data[i][1]["weights"].sum() for i in range(len(data))) == len(used)


def test_writes_what_a_run_holds(uninterrupted: tuple[Trainer, list[str]]) -> None:
    trainer, reported = uninterrupted
    folder, history = trainer.run.path, trainer.state.history
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert lines == history
    assert (folder / "training.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((folder / "tensorboard").iterdir())) == 1
    assert len(reported) == 2
    assert reported[0].startswith(f"epoch 1/2: loss {history[0]['loss']:.2f}, ")
    assert [trainer.run.summary()] == [line for line in history if line == trainer.run.summary()]
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "run.json", "checkpoint.npz", "best.npz", "metrics.jsonl", "training.png", "tensorboard"
    }  # fmt: skip


def test_an_interrupted_run_ends_as_the_uninterrupted_one(
    uninterrupted: tuple[Trainer, list[str]], corpora_of_tones: Corpora, tmp_path: Path
) -> None:
    whole, _ = uninterrupted
    whole.train_data.start_epoch(0)
    num_batches = len(whole.train_data)
    run = new_run(tmp_path / "run")
    trainer, _ = new_trainer(run, corpora_of_tones)
    for number, progress in ((num_batches, (0, num_batches)), (2, (1, 2))):  # an epoch's end first
        in_batch(trainer, number, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            trainer.train()
        stopped = trainer
        assert (stopped.state.epoch, stopped.state.step) == progress
        trainer, _ = new_trainer(run, corpora_of_tones)
        trainer.resume()
        assert variables(trainer) == variables(stopped)
        assert trainer.state == stopped.state
    trainer.train()
    assert variables(trainer) == variables(whole)
    assert without_times(trainer.state.history) == without_times(whole.state.history)
    for name in ("best.npz", "checkpoint.npz"):
        with np.load(run.path / name) as found, np.load(whole.run.path / name) as expected:
            for key in set(expected) - {"state"}:
                assert found[key].tobytes() == expected[key].tobytes()


class Scripted:
    """A trainer whose model learns nothing and is measured as told; it notes learning rates."""

    def __init__(
        self, run: Run, corpora: Corpora, patch: pytest.MonkeyPatch, measured: Sequence[Validation]
    ) -> None:
        results = iter(measured)
        patch.setattr(loop, "validate", lambda *_: next(results))
        patch.setattr(loop, "plot_training", lambda *_: None)
        self.trainer, self.lines = new_trainer(run, corpora)
        self.trainer.network.train_on_batch = self._update
        self.rates: list[float] = []

    def _update(self, *_: Any) -> float:
        optimizer = self.trainer.optimizer
        self.rates.append(float(optimizer.learning_rate))
        optimizer.iterations.assign_add(1)
        return 1.0

    def epochs(self) -> list[float]:
        """Train; returns the learning rates that the epochs ended with."""
        return [line["learning_rate"] for line in self.trainer.train()]


def measured(*losses_and_errors: tuple[float, int]) -> list[Validation]:
    return [
        Validation(loss, ErrorCounts(100 - errors, errors), ErrorCounts(100 - errors, errors))
        for loss, errors in losses_and_errors
    ]


def test_the_learning_rate_climbs_stays_and_falls(
    corpora_of_tones: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path / "run", num_epochs=4, learning_rate=0.5, warmup_steps=2, decay=0.5)
    results = measured(*[(1.0, 50)] * 4)
    scripted = Scripted(run, corpora_of_tones, monkeypatch, results)
    ends = scripted.epochs()
    done = []  # shares of all updates
    for epoch in range(4):
        scripted.trainer.train_data.start_epoch(epoch)
        num_batches = len(scripted.trainer.train_data)
        done += [(epoch + k / num_batches) / 4 for k in range(num_batches)]
    expected = 0.5 * np.interp(done, [0, 0.5, 1], [1, 1, 0])
    expected[0] = 0.25
    np.testing.assert_allclose(scripted.rates, expected, rtol=1e-6)
    assert ends[-1] == scripted.rates[-1] > 0


def test_the_learning_rate_is_halved_on_each_plateau(
    corpora_of_tones: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(
        tmp_path / "run", num_epochs=8, reduce_on_plateau=2, early_stop=0, decay=1.0,
        warmup_steps=0, learning_rate=0.5,
    )  # fmt: skip
    results = measured(*[(loss, 50) for loss in (5.0, 4.0, 4.5, 4.0, 4.1, 4.2, 3.9, 3.8)])
    ends = Scripted(run, corpora_of_tones, monkeypatch, results).epochs()
    # Two epochs after the best of 4.0, two after that, and no more once it gets better.
    assert ends == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125])


def test_stops_early_and_keeps_the_best(
    corpora_of_tones: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path / "run", num_epochs=9, early_stop=2)
    results = measured((3, 60), (3, 40), (2, 45), (1, 40), (1, 10))
    scripted = Scripted(run, corpora_of_tones, monkeypatch, results)
    assert len(scripted.epochs()) == 4
    *epochs, end = scripted.lines
    assert ["(best)" in line for line in epochs] == [True, True, False, False]
    assert end.startswith("stopped early after epoch 4 of 9: ")
    assert run.summary()["epoch"] == 2
    again = Scripted(run, corpora_of_tones, monkeypatch, results)
    again.trainer.resume()
    assert (len(again.epochs()), again.rates) == (4, [])  # resumed, it has nothing left to do


def test_a_prolonged_run_goes_on_for_as_long_again_as_it_is_patient(
    corpora_of_tones: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path / "run", num_epochs=9, early_stop=2)
    results = measured((3, 60), (3, 70), (2, 75))
    assert len(Scripted(run, corpora_of_tones, monkeypatch, results).epochs()) == 3
    longer = load_run(run.path).prolonged(10)
    assert (longer.settings.training.num_epochs, longer.prolonged_at) == (10, 3)
    for prolonged in (longer, load_run(run.path)):  # resumed once more, it is the same run
        results = measured((2, 70), (2, 50), (1, 60), (1, 70))
        again = Scripted(prolonged, corpora_of_tones, monkeypatch, results)
        again.trainer.resume()
        assert len(again.epochs()) == 7
    assert longer.prolonged(10) == longer
    with pytest.raises(
        ConfigError, match="7 epochs have ended already; --epochs must be at least 7, is 6"
    ):
        longer.prolonged(6)


def test_a_second_interrupt_does_not_wait(
    corpora_of_tones: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path / "run")
    # In the background of a script, the shell has had the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    trainer = Scripted(run, corpora_of_tones, monkeypatch, []).trainer

    def press_twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    in_batch(trainer, 2, press_twice)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert not run.checkpoint.exists()
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


class Damaged(PCMCache):
    """Samples that are not finite in some recordings."""

    damaged: tuple[int, ...] = ()

    def waveform(self, index: int) -> Any:
        return super().waveform(index) * (np.nan if index in self.damaged else 1)


@pytest.fixture
def damage(corpora_of_tones: Corpora) -> Iterator[Callable[..., Corpora]]:
    """The corpora, where the samples of some utterances to learn from are not numbers."""

    def damaged(*indices: int) -> Corpora:
        train, valid = corpora_of_tones
        cache = Damaged(train.cache.files, train.cache.num_samples, train.cache.failures)
        Damaged.damaged = indices
        return replace(train, cache=cache), valid

    yield damaged
    Damaged.damaged = ()


@pytest.mark.parametrize("consistency", [0.0, 0.2])
def test_a_loss_that_is_not_finite_is_skipped_named_and_counted(
    damage: Callable[..., Corpora], tmp_path: Path, consistency: float
) -> None:
    trainer, lines = new_trainer(new_run(tmp_path / "run", consistency=consistency), damage(7))
    history = trainer.train()
    assert [line for line in lines if "warning" in line] == [
        "warning: epoch 1: the loss of train7 is not finite; "
        "training continues without these utterances"
    ]
    assert [line["dropped"] for line in history] == [1, 1]
    assert history[1]["loss"] < history[0]["loss"]
    assert all(np.isfinite(variable).all() for variable in trainer.network.get_weights())
    num_batches = []
    for epoch in range(2):
        trainer.train_data.start_epoch(epoch)
        num_batches.append(len(trainer.train_data))
    # The batch was repeated without the utterance, which the second epoch leaves out.
    assert int(trainer.optimizer.iterations) == sum(num_batches)
    assert int(trainer.optimizer.num_skipped) == 1


def test_too_many_losses_that_are_not_finite_stop_training(
    damage: Callable[..., Corpora], tmp_path: Path
) -> None:
    trainer, _ = new_trainer(new_run(tmp_path / "run"), damage(7, 70))
    with pytest.raises(
        TrainingError, match=r"^the loss of 2 of 120 utterances is not finite: [^\n]+$"
    ):
        trainer.train()
    assert all(np.isfinite(variable).all() for variable in trainer.network.get_weights())


def test_a_gradient_that_is_not_finite_is_blamed_on_the_whole_batch(
    corpora_of_tones: Corpora, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Scripted(new_run(tmp_path / "run"), corpora_of_tones, monkeypatch, []).trainer
    in_batch(trainer, 1, lambda: trainer.optimizer.num_skipped.assign_add(1))
    size = len(trainer.train_data.examples(0))
    with pytest.raises(
        TrainingError, match=rf"^the loss of {size} of 120 utterances is not finite"
    ):
        trainer.train()


@pytest.mark.parametrize(("overflows", "scale"), [(2, 2.0), (99, 1.0)])
def test_float16_repeats_a_batch_at_lower_scales(
    overflows: int,
    scale: float,
    corpora_of_tones: Corpora,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "LOSS_SCALE", 8.0)
    run = new_run(tmp_path / "run", precision="float16", num_epochs=1)
    results = measured((1.0, 50))
    trainer = Scripted(run, corpora_of_tones, monkeypatch, results).trainer
    optimizer, left = trainer.optimizer, iter(range(overflows))
    zeros = [np.zeros(v.shape, np.float32) for v in trainer.network.trainable_variables]

    def update(*_: Any) -> float:
        bad = next(left, None) is not None
        optimizer.apply([gradient + np.inf if bad else gradient for gradient in zeros])
        return 1.0

    trainer.network.train_on_batch = update
    if scale > 1:
        assert [line["dropped"] for line in trainer.train()] == [0]
        assert int(optimizer.iterations) == len(trainer.train_data)
    else:  # the scale cannot be to blame any more
        with pytest.raises(TrainingError, match=r"^the loss of "):
            trainer.train()
    assert optimizer.loss_scale == scale


def test_data_that_have_changed_since_the_checkpoint_are_reported(
    corpora_of_tones: Corpora, tmp_path: Path
) -> None:
    train, valid = corpora_of_tones
    run = new_run(tmp_path / "run")
    trainer, _ = new_trainer(run, (train, valid))
    trainer.resume()
    trainer._save()
    same, lines = new_trainer(run, (train, valid))
    assert same.resume()
    assert lines == []
    fewer, lines = new_trainer(run, (replace(train, examples=train.examples[1:]), valid))
    assert fewer.resume()
    (line,) = lines
    assert "validation data have changed since the last checkpoint" in line


def test_another_models_checkpoint_is_refused(
    uninterrupted: tuple[Trainer, list[str]], corpora_of_tones: Corpora
) -> None:
    run = uninterrupted[0].run
    other = replace(run, settings=replace(run.settings, model=NetworkConfig(num_units=5)))
    trainer, _ = new_trainer(other, corpora_of_tones)
    with pytest.raises(ModelError, match=r"checkpoint\.npz: of another network: .* has the shape"):
        trainer.resume()


def test_another_versions_checkpoint_is_refused(
    uninterrupted: tuple[Trainer, list[str]], corpora_of_tones: Corpora, tmp_path: Path
) -> None:
    run = new_run(tmp_path / "run")
    trainer, _ = new_trainer(run, corpora_of_tones)
    with np.load(uninterrupted[0].run.checkpoint) as file:
        arrays = dict(file)
    state = json.loads(str(arrays.pop("state"))) | {"mood": 3}
    np.savez(run.checkpoint, state=np.array(json.dumps(state)), **arrays)
    with pytest.raises(
        ModelError, match=r"checkpoint\.npz: written by another version.*'mood'; resume"
    ):
        trainer.resume()
