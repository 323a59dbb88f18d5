from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speechlstm.config import NetworkConfig, Settings, TrainConfig
from speechlstm.corpora.manifest import Manifest
from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.training.acoustic.corpus import load_corpus
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.run import Run
from speechlstm.training.acoustic.validation import validate

ALPHABET = Alphabet((" ", "a", "b", "c"))
SETTINGS = Settings(model=NetworkConfig(frame_stack=1), training=TrainConfig(batch_seconds=1))
HEARD = {"a b c": "a b c", "ab abc": "ab abb", "cc": "c b", "b b": "", "a": "a"}


class Hearing:
    """A model that hears a text in each utterance, and a letter all through the padding."""

    def __init__(self, heard: dict[int, str]) -> None:
        self.heard = heard  # by length in samples
        self.num_batches = 0

    def predict_on_batch(self, inputs: dict[str, Any]) -> tuple[Any, Any]:
        self.num_batches += 1
        lengths = inputs["num_samples"]
        num_steps = 1 + lengths // 160
        logits = np.zeros((len(lengths), num_steps.max() + 5, ALPHABET.num_labels), np.float32)
        for row, length, steps in zip(logits, lengths, num_steps, strict=True):
            path = np.zeros(len(row), int)  # a blank after each label, then nothing else
            labels = ALPHABET.encode(self.heard[int(length)])
            path[: 2 * len(labels) : 2] = labels
            path[steps:] = 2
            row[np.arange(len(row)), path] = 8
        return logits, num_steps


def test_counts_the_errors_of_all_utterances(
    write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    manifest = Manifest(write_tones(tmp_path / "valid.jsonl", list(HEARD)))
    corpus = load_corpus([manifest], ALPHABET, SETTINGS, tmp_path / "cache")
    data = SpeechDataset(corpus, SETTINGS, augment=False)
    model = Hearing({e.num_samples: HEARD[e.text] for e in corpus.examples})
    run = Run(tmp_path, SETTINGS, ALPHABET, (), ())
    result = validate(model, data, run)  # type: ignore[arg-type]
    assert model.num_batches == len(data) > 1
    # a b c | ab abc -> abb | cc -> c b | b b -> nothing | a
    assert result.words == ErrorCounts(hits=5, substitutions=2, deletions=2, insertions=1)
    assert result.characters == ErrorCounts(hits=12, substitutions=2, deletions=3, insertions=1)


class Speaking(Hearing):
    """One that emits a phone for each letter, too: for b the wrong one."""

    def predict_on_batch(self, inputs: dict[str, Any]) -> tuple[Any, Any]:
        logits, num_steps = super().predict_on_batch(inputs)
        phones = np.delete(logits, 1, axis=2)  # labels 2, 3, 4 of a, b, c; the space is silent
        phones[..., [2, 3]] = phones[..., [3, 2]]
        return np.concatenate([logits, phones], axis=2), num_steps


def test_phone_errors_are_counted_where_the_phones_are_known(
    write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    lexicon = tmp_path / "lexicon.txt"
    lexicon.write_text("a P1\nab P1 P2\nabc P1 P2 P3\nb P2\n")
    run = Run(
        tmp_path, SETTINGS, ALPHABET, (), (), lexicon=lexicon, phones=Lexicon.read(lexicon).alphabet
    )
    texts = ["a ab abc", "cc a", "b"]
    manifest = Manifest(write_tones(tmp_path / "valid.jsonl", texts))
    corpus = load_corpus(
        [manifest], ALPHABET, SETTINGS, tmp_path / "cache", lexicon=run.read_lexicon()
    )
    assert [e.phones for e in corpus.examples] == [(1, 1, 2, 1, 2, 3), None, (2,)]
    data = SpeechDataset(corpus, SETTINGS, augment=False)
    model = Speaking({e.num_samples: e.text for e in corpus.examples})
    result = validate(model, data, run)  # type: ignore[arg-type]
    assert result.words.rate == 0
    # P1 P1 P2 P1 P2 P3 -> P1 P1 P3 P1 P3 P2 | P2 -> P3
    assert (result.phones.num_errors, result.phones.num_reference) == (4, 7)


def test_the_loss_is_the_mean_over_utterances_not_batches(
    write_tones: Callable[[Path, Sequence[str]], Path], tmp_path: Path
) -> None:
    texts = ["a", "a", "abcabcabc"]
    manifest = Manifest(write_tones(tmp_path / "valid.jsonl", texts))
    corpus = load_corpus([manifest], ALPHABET, SETTINGS, tmp_path / "cache")
    data = SpeechDataset(corpus, SETTINGS, augment=False)
    assert [len(data.examples(k)) for k in range(len(data))] == [1, 2]
    model = Hearing({e.num_samples: "b" if e.text == "a" else e.text for e in corpus.examples})
    losses = []
    for k in range(len(data)):
        inputs, targets = data[k]
        logits, num_steps = model.predict_on_batch(inputs)
        for row, steps, labels, n in zip(
            logits, num_steps, targets["labels"], targets["num_labels"], strict=True
        ):
            losses.append(forward_loss(row[:steps], labels[:n].tolist()))
    run = Run(tmp_path, SETTINGS, ALPHABET, (), ())
    assert validate(model, data, run).loss == pytest.approx(np.mean(losses), rel=1e-4)  # type: ignore[arg-type]


def forward_loss(logits: Any, labels: list[int]) -> float:
    """CTC by the forward variables, in probabilities (Graves et al., 2006, equation 6)."""
    probs = np.exp(logits.astype(np.float64))
    probs /= probs.sum(axis=1, keepdims=True)
    states = [0, *(s for label in labels for s in (label, 0))]
    alpha = np.zeros(len(states))
    alpha[:2] = probs[0, states[:2]]
    for row in probs[1:]:
        previous = np.concatenate([[0, 0], alpha])
        skips = [k > 1 and state != 0 and state != states[k - 2] for k, state in enumerate(states)]
        alpha = (previous[2:] + previous[1:-1] + previous[:-2] * skips) * row[states]
    return float(-np.log(alpha[-2:].sum()))
