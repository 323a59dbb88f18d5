from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from speechlstm.bundle import Bundle, read_bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import LanguageModelError, ManifestError
from speechlstm.evaluation.metrics import word_errors
from speechlstm.evaluation.tuning.trials import Trials
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.recognizer import Recognizer

LSTM = Path(__file__).parents[2] / "assets" / "language_model.tflite"


def test_the_network_runs_once_on_each_utterance(trials: Trials) -> None:
    assert trials.references == ["a hat"] * 3
    assert all(output.log_probs.shape == (22, 29) for output in trials.outputs)
    assert all(output.duration == pytest.approx(0.21) for output in trials.outputs)


@pytest.mark.parametrize(("max_utterances", "num_read"), [(1, 1), (2, 1), (3, 2), (9, 3)])
def test_fewer_utterances_are_spread_over_the_manifest(
    levels_bundle: Path, manifest: Manifest, max_utterances: int, num_read: int
) -> None:
    with Trials(read_bundle(levels_bundle)) as trials:
        trials.run_network([manifest], max_utterances)  # the last one of four is missing
        assert len(trials.outputs) == num_read


@pytest.mark.parametrize("num_others", [28, 39])
def test_a_prior_of_the_same_labels_counts(
    levels_bundle: Path, manifest: Manifest, num_others: int
) -> None:
    """That of phones is of no use where characters are searched now."""
    known = Prior(tuple(np.log([0.5, *[0.5 / num_others] * num_others]).tolist()))
    bundle = read_bundle(levels_bundle)
    bundle = replace(bundle, decoder=replace(bundle.decoder, prior=known))
    with Trials(bundle) as trials:
        trials.run_network([manifest], 3)
    log_probs = [output.log_probs for output in trials.outputs]
    assert trials.prior == Prior.estimate(log_probs, known if num_others == 28 else None)


def test_a_trial_counts_errors_of_the_best_hypotheses(trials: Trials) -> None:
    trial = trials.decode(DecodeConfig(lm_weight=0.0, word_bonus=0.0))
    texts = [found[0].text for found in trial.hypotheses]
    assert texts[2] == "a hat" != texts[0]
    assert trial.errors.num_errors == sum(word_errors("a hat", t).num_errors for t in texts) > 0
    assert trial.rtf > 0


def test_a_search_is_compared_with_greedy_decoding(trials: Trials) -> None:
    greedy = [hypothesis.text for hypothesis in trials.greedy()]
    assert greedy == ["a hbt", "a hbt", "a hat"]
    better = trials.decode(DecodeConfig(lm_weight=1.0))
    assert better.errors.num_errors == 0
    assert not trials.is_worse_than_greedy(better)
    # As many words are wrong, and more of their characters.
    worse = trials.decode(DecodeConfig(lm_weight=0.0, word_bonus=0.0))
    other = replace(worse.hypotheses[0][0], text="a hidden")
    worse = replace(worse, hypotheses=(worse.hypotheses[0], (other,), worse.hypotheses[2]))
    assert trials.is_worse_than_greedy(worse)


@pytest.mark.slow
def test_processes_find_the_same_and_stay_for_all_trials(
    bundle: Bundle, manifest: Manifest, trials: Trials
) -> None:
    configs = [DecodeConfig(lm_weight=weight) for weight in (0.0, 1.0)]
    alone = [trials.decode(config) for config in configs]
    with Trials(bundle, jobs=2) as shared:
        shared._pool._patience = 0.0
        shared.run_network([manifest], 10)
        before = [worker.process.pid for worker in shared._pool._workers]
        together = [shared.decode(config) for config in configs]
        after = [worker.process.pid for worker in shared._pool._workers]
    assert len(before) == 2
    assert before == after
    for a, b in zip(alone, together, strict=True):
        assert replace(a, rtf=0.0) == replace(b, rtf=0.0)
    assert alone[0].hypotheses != alone[1].hypotheses
    for one, other in zip(trials.outputs, shared.outputs, strict=True):
        np.testing.assert_array_equal(one.log_probs, other.log_probs)


@pytest.mark.parametrize("mode", ["rescore", "fuse"])
def test_an_lstm_counts_as_it_will_in_the_recognizer(
    bundle: Bundle, tiny_lm: Path, manifest: Manifest, mode: Literal["rescore", "fuse"]
) -> None:
    both = replace(bundle, decoder=replace(bundle.decoder, neural_lm=LSTM))
    config = NeuralLMConfig(weight=0.3, mode=mode)
    with Trials(both) as trials:
        trials.run_network([manifest], 10)
        found = trials.decode(DecodeConfig(prior_weight=0.0), config).hypotheses[0][0]
        without = trials.decode(DecodeConfig()).hypotheses[0][0]
    recognizer = Recognizer.load(
        bundle.path,
        lm=tiny_lm,
        neural_lm=LSTM,
        neural_lm_weight=config.weight,
        neural_lm_mode=config.mode,
        prior_weight=0.0,
    )
    recognised = recognizer.transcribe_file(manifest.path.with_name("one.wav")).hypotheses[0]
    assert found.text == recognised.text
    assert found.lm_log_prob == pytest.approx(recognised.lm_log_prob, abs=1e-4)
    assert found.lm_log_prob != without.lm_log_prob


def test_best_hypotheses_have_raw_confidences(trials: Trials) -> None:
    hypotheses = trials.with_confidences(DecodeConfig(lm_weight=0.0, word_bonus=0.0))
    unsure, sure = (hypotheses[i].words[1].confidence for i in (0, 2))
    assert 0 < unsure < sure <= 1


def test_best_paths_need_no_search(trials: Trials) -> None:
    assert [h.text for h in trials.greedy()] == ["a hbt", "a hbt", "a hat"]


def test_progress_is_told(levels_bundle: Path, manifest: Manifest) -> None:
    shown = []

    def progress(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
        shown.append((total, what))
        return items

    with Trials(read_bundle(levels_bundle), progress=progress) as trials:
        trials.run_network([manifest], 10)
        trials.decode(DecodeConfig())
    assert shown == [(4, "network"), (3, "decoding")]


def test_files_are_checked_before_the_network_runs(
    bundle: Bundle, tiny_lm: Path, tmp_path: Path
) -> None:
    write_packed(tmp_path / "other.lm", NGramModel.open(tiny_lm).trie, "0" * 64)
    with pytest.raises(LanguageModelError, match="is for the alphabet"):
        Trials(replace(bundle, decoder=DecoderSpec(lm=tmp_path / "other.lm")))


def test_nothing_to_tune_on_is_an_error(levels_bundle: Path, tmp_path: Path) -> None:
    with Trials(read_bundle(levels_bundle)) as trials:
        for text, reason in ((None, "none has a text"), ("a hat", r"x\.wav: cannot be read")):
            write_manifest(tmp_path / "m.jsonl", [Utterance("x", "x.wav", 1.0, text)])
            with pytest.raises(ManifestError, match=f"no utterance to tune on: .*{reason}"):
                trials.run_network([Manifest(tmp_path / "m.jsonl")], 10)
