"""A network of a few weights that learns which word asks and which one stops."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from speechlstm.errors import ModelError
from speechlstm.readable.features import NUM_PAUSES
from speechlstm.readable.marked_text import (
    CAPITALISED,
    COMMA,
    EXCLAMATION,
    LOWER,
    NO_MARK,
    PERIOD,
    QUESTION,
    UPPER,
    marked_words,
)
from speechlstm.readable.punctuation import Punctuator
from speechlstm.training.engine.word_loop import train_on_words
from speechlstm.training.punctuation.export import best_biases, export_punctuation
from speechlstm.training.punctuation.network import PunctuationConfig, PunctuationTraining
from speechlstm.training.punctuation.run import PunctuationRun, load_punctuation_run
from speechlstm.training.punctuation.text import PunctuatedText
from speechlstm.training.punctuation.trainer import PunctuationTrainer

MODEL = PunctuationConfig(width=8, num_layers=1, num_units=8, dropout=0.0)
TRAINING = PunctuationTraining(
    num_epochs=12, batch_words=120, max_words=30, learning_rate=0.03, warmup_steps=2,
    word_dropout=0.0,
)  # fmt: skip


def sentences(seed: int, number: int) -> list[str]:
    """What ends with "there" is a question; the BBC is in capitals, as is the first word."""
    generator = np.random.default_rng(seed)
    lines = []
    for _ in range(number):
        middle = " ".join(generator.choice(["saw", "BBC", "met"], generator.integers(1, 4)))
        lines.append(f"He {middle} {('here.', 'there?')[generator.integers(2)]}")
    return lines


def new_run(path: Path) -> PunctuationRun:
    texts = (
        PunctuatedText.of(map(marked_words, sentences(seed, n))) for seed, n in ((1, 150), (2, 30))
    )
    run = PunctuationRun(path, MODEL, TRAINING, {"iphone": "iPhone"})
    run.create(*texts, np.ones((5, NUM_PAUSES), np.int64))
    return run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[PunctuationRun, list[str]]:
    run, lines = new_run(tmp_path_factory.mktemp("punctuation") / "run"), []
    train_on_words(PunctuationTrainer, run, lines.append)
    return run, lines


@pytest.mark.slow
def test_learns_and_says_how_well(trained: tuple[PunctuationRun, list[str]]) -> None:
    run, lines = trained
    assert "epoch 12/12: loss" in lines[-1]
    best = run.summary()
    assert best["valid_f1"]["?"] > 0.95
    assert best["valid_f1"]["upper"] > 0.95
    assert load_punctuation_run(run.path) == run


@pytest.mark.slow
def test_the_file_restores_what_the_network_has_learnt(
    trained: tuple[PunctuationRun, list[str]], tmp_path: Path
) -> None:
    path = tmp_path / "punctuator.tflite"
    assert export_punctuation(trained[0], path) < 0.02
    # Where it is used, there is no TensorFlow.
    code = (
        "import json, sys\nfrom pathlib import Path\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "from speechlstm.readable.punctuation import Punctuator\n"
        "words = 'he saw bbc there he met here he met there'.split()\n"
        f"print(json.dumps(Punctuator(Path({str(path)!r})).restore(words, [None] * 10)))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ
    ).stdout
    marks, cases = json.loads(printed)
    assert marks == [NO_MARK] * 3 + [QUESTION] + [NO_MARK] * 2 + [PERIOD] + [NO_MARK] * 2 + [
        QUESTION
    ]
    low, high = LOWER, CAPITALISED
    assert cases == [high, low, UPPER, low, high, low, low, high, low, low]
    punctuator = Punctuator(path)
    assert (punctuator.language, punctuator.mixed_case) == ("en", {"iphone": "iPhone"})


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="punctuation"):
        load_punctuation_run(tmp_path)
    run = new_run(tmp_path / "run")
    (run.path / "train.npz").write_bytes(b"no archive")
    with pytest.raises(ModelError, match=r"train\.npz: cannot be read"):
        run.text("train")


@pytest.mark.slow
def test_a_text_of_which_a_bit_has_changed_is_refused_or_the_same(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    path = run.path / "valid.npz"
    whole, (text, pauses) = path.read_bytes(), run.text("valid")
    # Also in the headers of arrays: of one that claims to be shorter, the checksum was not read.
    headers = [at for at in range(len(whole)) if whole.startswith(b"(", at)]
    generator = np.random.default_rng(1)
    positions = [at + offset for at in headers for offset in range(1, 8)]
    positions += generator.integers(len(whole), size=200).tolist()
    for position in positions:
        flipped = bytearray(whole)
        flipped[position] ^= 1 << int(generator.integers(3))
        path.write_bytes(flipped)
        try:
            found, counts = run.text("valid")
        except ModelError:
            continue
        np.testing.assert_array_equal(counts, pauses)
        for name, values in asdict(found).items():
            np.testing.assert_array_equal(values, asdict(text)[name])


def test_a_mark_that_is_too_rare_to_be_likeliest_is_found() -> None:
    generator = np.random.default_rng(1)
    marks = np.repeat(np.array([NO_MARK, COMMA, EXCLAMATION], np.int32), [800, 150, 50])
    logits = np.zeros((1000, 5), np.float32)
    logits[:, NO_MARK] = 3
    logits[:, COMMA] = np.where(marks == COMMA, 2, -2) + generator.normal(size=1000) / 4
    logits[:, EXCLAMATION] = generator.normal(size=1000)  # tells nothing
    biases = best_biases(logits, marks)
    found = (logits + np.float32(biases)).argmax(axis=1)
    assert (found[marks == COMMA] == COMMA).mean() > 0.9
    assert (found[marks != COMMA] == COMMA).mean() < 0.1
    assert biases[NO_MARK] == biases[EXCLAMATION] == 0
