"""A language model of a few weights, trained on sentences made by a rule."""

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from speechlstm.cli import main
from speechlstm.errors import ConfigError, ModelError, TrainingError
from speechlstm.lm.text import limit_vocabulary, tokenize
from speechlstm.training.engine.word_loop import train_on_words
from speechlstm.training.lm.network import LanguageModelConfig, LanguageModelTraining
from speechlstm.training.lm.run import LanguageModelRun, load_language_model_run
from speechlstm.training.lm.trainer import LanguageModelTrainer, measured_perplexity

pytestmark = pytest.mark.slow

MODEL = LanguageModelConfig(width=4, num_units=6)
TRAINING = LanguageModelTraining(
    num_epochs=2, batch_words=50, sample_size=6, learning_rate=0.05, warmup_steps=2
)


def sentences(seed: int) -> list[str]:
    """The last word is the first one again, which n-grams could not know."""
    generator = np.random.default_rng(seed)
    return [
        " ".join([first, *generator.choice([*"xy"], 4), first])
        for first in generator.choice([*"abc"], 24)
    ]


TRAIN = tokenize(sentences(1))
VALID = limit_vocabulary(tokenize(sentences(2)[:3]), TRAIN.vocabulary)


@pytest.fixture(scope="module", autouse=True)
def _eager() -> Iterator[None]:
    """Tracing graphs would take longer than all the rest."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def new_run(path: Path, training: LanguageModelTraining = TRAINING) -> LanguageModelRun:
    run = LanguageModelRun(path, MODEL, training, tuple(TRAIN.vocabulary))
    run.create(TRAIN, VALID)
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[LanguageModelRun, list[str]]:
    run, lines = new_run(tmp_path_factory.mktemp("lm") / "run"), list[str]()
    train_on_words(LanguageModelTrainer, run, lines.append)
    return run, lines


def metrics(run: LanguageModelRun) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]


def weights(path: Path) -> dict[str, bytes]:
    with np.load(path) as arrays:
        return {key: value.tobytes() for key, value in arrays.items() if key != "state"}


def test_learns_and_says_how_well(trained: tuple[LanguageModelRun, list[str]]) -> None:
    run, (heading, *lines) = trained
    first, second = metrics(run)
    assert second["valid_perplexity"] < first["valid_perplexity"] < len(run.words)
    assert second["perplexity"] < first["perplexity"]
    assert heading.startswith("168 training words, a vocabulary of 8, ")
    assert lines[1].startswith(
        f"epoch 2/2: perplexity {second['perplexity']:.1f} (estimated), "
        f"validation {second['valid_perplexity']:.1f} (best); "
    )
    assert run.summary() == second


def test_fills_the_runs_folder(trained: tuple[LanguageModelRun, list[str]]) -> None:
    run, _ = trained
    assert {path.name for path in run.path.iterdir()} == {
        "run.json", "vocabulary.txt", "train.npy", "valid.npy", "checkpoint.npz", "best.npz",
        "metrics.jsonl", "training.png", "lock",
    }  # fmt: skip
    assert (run.path / "training.png").read_bytes().startswith(b"\x89PNG")
    assert load_language_model_run(run.path) == run


def test_the_perplexity_is_that_of_all_words_and_ends(
    trained: tuple[LanguageModelRun, list[str]],
) -> None:
    """Each sentence alone, a softmax over all words."""
    run, _ = trained
    network, total, num_words = run.best_network(), 0.0, 0
    starts = np.flatnonzero(VALID.tokens == run.words.index("<s>"))
    for tokens in np.split(VALID.tokens, starts[1:]):
        num_steps = np.array([len(tokens) - 1], np.int32)
        features, _ = network({"words": tokens[np.newaxis, :-1], "num_steps": num_steps})
        log_probs = network.log_probs(features)[0]
        total += sum(float(row[word]) for row, word in zip(log_probs, tokens[1:], strict=True))
        num_words += len(tokens) - 1
    assert run.summary()["valid_perplexity"] == pytest.approx(np.exp(-total / num_words), rel=1e-5)


def in_batch(trainer: LanguageModelTrainer, number: int, action: Callable[[], object]) -> None:
    train_on_batch, batches = trainer.network.train_on_batch, iter(range(1, 1000))

    def counting(*batch: Any) -> Any:
        if next(batches) == number:
            action()
        return train_on_batch(*batch)

    trainer.network.train_on_batch = counting


def test_an_interrupted_run_ends_as_the_uninterrupted_one(
    trained: tuple[LanguageModelRun, list[str]], tmp_path: Path
) -> None:
    run = new_run(tmp_path / "run")
    trainer = LanguageModelTrainer(run, lambda _: None)
    in_batch(trainer, 2, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert (trainer.state.epoch, trainer.state.step) == (0, 2)
    train_on_words(LanguageModelTrainer, load_language_model_run(run.path), lambda _: None)
    for name in ("checkpoint.npz", "best.npz"):
        assert weights(run.path / name) == weights(trained[0].path / name)


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    trainer = LanguageModelTrainer(new_run(tmp_path / "run"), lambda _: None)
    trainer.network.bias.assign(np.full(len(TRAIN.vocabulary), np.nan))
    with pytest.raises(TrainingError, match="loss is not finite; train with a lower"):
        trainer.train()


def test_a_folder_with_a_run_is_not_overwritten(
    trained: tuple[LanguageModelRun, list[str]],
) -> None:
    with pytest.raises(ConfigError, match="holds a run; resume it with --resume"):
        new_run(trained[0].path)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("run.json", None, "holds no run of a language model"),
        ("run.json", "{}", "damaged, or not a run of a language model"),
        ("run.json", "{", "damaged, or not a run of a language model"),
        ("train.npy", "none", "train.npy: cannot be read"),
        ("valid.npy", None, "valid.npy: cannot be read"),
        ("checkpoint.npz", "none", "damaged checkpoint"),
    ],
)
def test_a_damaged_run_is_refused(
    name: str, content: str | None, reason: str, tmp_path: Path
) -> None:
    new_run(tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(ModelError, match=reason):
        train_on_words(LanguageModelTrainer, load_language_model_run(tmp_path), lambda _: None)


def test_a_changed_word_is_noticed(tmp_path: Path) -> None:
    new_run(tmp_path)
    path = tmp_path / "vocabulary.txt"
    path.write_text(path.read_text().replace("x", "z"))
    with pytest.raises(ModelError, match=r"vocabulary\.txt: damaged: its checksum differs"):
        load_language_model_run(tmp_path)


def test_starts_from_the_best_weights_of_another_run(
    trained: tuple[LanguageModelRun, list[str]], tmp_path: Path
) -> None:
    source = trained[0]
    run = replace(source, path=tmp_path / "run")
    run.create(TRAIN, VALID, source.best_network())
    trainer = LanguageModelTrainer(load_language_model_run(run.path), lambda _: None)
    trainer.resume()
    start = measured_perplexity(trainer.network, trainer.valid_data)
    assert start == pytest.approx(source.summary()["valid_perplexity"])
    trainer.train()
    assert metrics(run)[-1]["valid_perplexity"] < start


def test_a_source_without_an_epoch_is_refused_before_the_text_is_read(tmp_path: Path) -> None:
    source, run = new_run(tmp_path / "source"), tmp_path / "run"
    options = ["--valid", "none.txt", "--init-from", str(source.path), "-o", str(run)]
    result = CliRunner().invoke(main, ["lm", "train", "none.txt", *options])
    assert result.exit_code == 1
    assert "source: no epoch of this run has ended yet" in result.stderr
    assert not run.exists()


def test_a_run_without_an_epoch_has_no_model(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with pytest.raises(ModelError, match="no epoch has ended yet"):
        run.summary()
    with pytest.raises(ModelError, match="no epoch of this run has ended yet; continue it with"):
        run.best_network()
    run.write_metrics([{"epoch": 1}])
    with pytest.raises(ModelError, match=r"best\.npz: cannot be read"):
        run.best_network()
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(ModelError, match=r"metrics\.jsonl: damaged"):
        run.summary()


def test_it_begins_with_what_words_are_worth_in_no_context(tmp_path: Path) -> None:
    """Those that the text lacks, from the vocabulary of another model, are rarest."""
    text = limit_vocabulary(TRAIN, [*TRAIN.vocabulary, "z"])
    run = LanguageModelRun(tmp_path, MODEL, TRAINING, tuple(text.vocabulary))
    run.create(text, limit_vocabulary(VALID, text.vocabulary))
    bias = LanguageModelTrainer(run, lambda _: None).network.bias.numpy()
    assert bias[text.vocabulary.index("z")] == bias.min()
    assert np.exp(bias).sum() == pytest.approx(1)
