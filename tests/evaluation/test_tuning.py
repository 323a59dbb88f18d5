from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.bundle import Bundle, read_bundle
from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.corpora.manifest import Manifest, Utterance, write_manifest
from speechlstm.decoding.confidence import calibration_error, fit_calibration
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import LanguageModelError, ManifestError
from speechlstm.evaluation.metrics import ErrorCounts, word_errors
from speechlstm.evaluation.tuning import BEAM_WIDTHS, NEURAL_LM_WEIGHTS, WITHOUT, Trial, Tuner
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.recognizer import Recognizer

LSTM = Path(__file__).parents[1] / "assets" / "language_model.tflite"
Say = Callable[[str], NDArray[np.float32]]


def with_decoder(path: Path, **files: Path) -> Bundle:
    return replace(read_bundle(path), decoder=DecoderSpec(**files))  # type: ignore[arg-type]


@pytest.fixture
def manifest(tmp_path: Path, spoken: Say) -> Manifest:
    """Two recordings with a vowel that only a language model can tell, one clear, one missing."""
    for name, share in (("one", 0.48), ("two", 0.46), ("clear", 1.0)):
        samples = share * spoken("a hat") + (1 - share) * spoken("a hbt")
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000, subtype="FLOAT")
    names = ("one", "two", "clear", "missing")
    utterances = [Utterance(name, f"{name}.wav", 0.2, "A hat!") for name in names]
    write_manifest(tmp_path / "m.jsonl", [*utterances, Utterance("untold", "x.wav", 1.0)])
    return Manifest(tmp_path / "m.jsonl")


@pytest.fixture
def tuner(levels_bundle: Path, tiny_lm: Path, manifest: Manifest) -> Tuner:
    tuner = Tuner(with_decoder(levels_bundle, lm=tiny_lm))
    failures = tuner.hear([manifest], max_utterances=10)
    assert list(failures) == ["missing"]
    return tuner


def test_hears_each_utterance_once(tuner: Tuner) -> None:
    assert [heard.text for heard in tuner.heard] == ["a hat"] * 3
    assert all(heard.log_probs.shape == (22, 29) for heard in tuner.heard)
    assert all(heard.duration == pytest.approx(0.21) for heard in tuner.heard)


@pytest.mark.parametrize(("max_utterances", "num_heard"), [(1, 1), (2, 1), (3, 2), (9, 3)])
def test_fewer_utterances_are_spread_over_the_manifest(
    levels_bundle: Path, manifest: Manifest, max_utterances: int, num_heard: int
) -> None:
    tuner = Tuner(read_bundle(levels_bundle))
    tuner.hear([manifest], max_utterances)  # the last one of four is missing
    assert len(tuner.heard) == num_heard


def test_a_trial_counts_errors_of_the_best_hypotheses(tuner: Tuner) -> None:
    trial = tuner.decode(DecodeConfig(lm_weight=0.0, word_bonus=0.0))
    texts = [found[0].text for found in trial.hypotheses]
    assert texts[2] == "a hat" != texts[0]
    assert trial.errors.num_errors == sum(word_errors("a hat", t).num_errors for t in texts) > 0
    assert trial.rtf > 0


def test_search_finds_weights_that_decode_better(tuner: Tuner) -> None:
    start = DecodeConfig(lm_weight=0.0, word_bonus=0.0, beam_width=20)
    told: list[Trial] = []
    trials = tuner.search_weights(start, told.append)
    assert told[0].config == start
    assert sorted(map(id, trials)) == sorted(map(id, told))
    assert trials[0].errors.num_errors == 0 < told[0].errors.num_errors
    assert trials[0].config.lm_weight > 0
    assert replace(trials[0].config, lm_weight=0.0, word_bonus=0.0, prior_weight=0.5) == start


def test_search_goes_to_where_all_around_is_worse(
    tuner: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []

    def decode(
        config: DecodeConfig, _: NeuralLMConfig
    ) -> Trial:  # a valley that ends at (1.85, -2, 0.2)
        decoded.append(config)
        depth = 100 * abs(config.lm_weight - 1.85) + 10 * abs(config.word_bonus + 2)
        depth += 100 * abs(config.prior_weight - 0.2)
        return Trial(config, WITHOUT, ErrorCounts(substitutions=round(depth)), 0.0, ())

    monkeypatch.setattr(tuner, "decode", decode)
    best = tuner.search_weights(DecodeConfig(lm_weight=0.2, word_bonus=1.0))[0].config
    assert (best.lm_weight, best.word_bonus, best.prior_weight) == (1.85, -2.0, 0.2)
    assert len(set(decoded)) == len(decoded)
    assert min(config.lm_weight for config in decoded) >= 0


def test_the_narrowest_beam_that_does_no_harm_is_chosen(tuner: Tuner) -> None:
    trials: list[Trial] = []
    best = tuner.search_beam_width(DecodeConfig(), trials.append)
    assert [trial.config.beam_width for trial in trials] == list(BEAM_WIDTHS)
    assert best == trials[0]  # so short a text needs no wide beam


@pytest.mark.parametrize("mode", ["rescore", "fuse"])
def test_an_lstm_counts_as_it_will_in_the_recognizer(
    levels_bundle: Path, tiny_lm: Path, manifest: Manifest, mode: Literal["rescore", "fuse"]
) -> None:
    bundle = with_decoder(levels_bundle, lm=tiny_lm, neural_lm=LSTM)
    tuner = Tuner(bundle)
    tuner.hear([manifest], 10)
    config = NeuralLMConfig(weight=0.3, mode=mode)
    found = tuner.decode(DecodeConfig(prior_weight=0.0), config).hypotheses[0][0]
    recognizer = Recognizer.load(
        levels_bundle, lm=tiny_lm, rescorer=LSTM, rescoring=config.to_dict(), prior_weight=0.0
    )
    heard = recognizer.transcribe_file(manifest.path.with_name("one.wav")).hypotheses[0]
    assert found.text == heard.text
    assert found.lm_log_prob == pytest.approx(heard.lm_log_prob, abs=1e-4)
    assert found.lm_log_prob != tuner.decode(DecodeConfig()).hypotheses[0][0].lm_log_prob


def test_the_weight_of_an_lstm_is_searched_then_lm_weight(
    tuner: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        depth = 100 * abs(config.lm_weight - 0.9) + 10 * abs(neural_lm.weight - 0.6)
        depth += 1000 * (neural_lm.mode != "fuse")
        return Trial(config, neural_lm, ErrorCounts(substitutions=round(depth)), 0.0, ())

    monkeypatch.setattr(tuner, "decode", decode)
    told: list[Trial] = []
    found = tuner.decode(DecodeConfig(lm_weight=0.75), WITHOUT)
    best = tuner.search_neural_lm(found, NeuralLMConfig(mode="fuse"), told.append)
    assert best.neural_lm == NeuralLMConfig(weight=0.5, mode="fuse")
    assert best.config == DecodeConfig(lm_weight=0.9)
    assert [trial.neural_lm.weight for trial in told] == [0.0, *NEURAL_LM_WEIGHTS, 0.5, 0.5]


def test_confidences_are_calibrated_on_the_words_that_were_heard(tuner: Tuner) -> None:
    hypotheses = tuner.judged(DecodeConfig(lm_weight=0.0, word_bonus=0.0))
    calibration, before, after = tuner.calibrate(hypotheses)
    words = [word for hypothesis in hypotheses for word in hypothesis.words]
    confidences = [word.confidence for word in words]
    correct = [word.text in ("a", "hat") for word in words]
    assert calibration == fit_calibration(confidences, correct)
    assert before == calibration_error(confidences, correct)
    assert after == calibration_error([calibration(c) for c in confidences], correct)
    unsure, sure = (hypotheses[i].words[1].confidence for i in (0, 2))
    assert unsure < sure


def test_without_a_search_the_best_paths_are_calibrated(tuner: Tuner) -> None:
    hypotheses = tuner.greedy()
    assert [h.text for h in hypotheses] == ["a hbt", "a hbt", "a hat"]
    assert 0 < tuner.calibrate(hypotheses)[2] < 1


def test_progress_is_told(levels_bundle: Path, manifest: Manifest) -> None:
    told = []

    def track(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
        told.append((total, what))
        return items

    tuner = Tuner(read_bundle(levels_bundle), track=track)
    tuner.hear([manifest], 10)
    tuner.decode(DecodeConfig())
    assert told == [(4, "hearing"), (3, "decoding")]


def test_files_are_checked_before_anything_is_heard(
    levels_bundle: Path, tiny_lm: Path, tmp_path: Path
) -> None:
    write_packed(tmp_path / "other.lm", NGramModel.open(tiny_lm).trie, "0" * 64)
    with pytest.raises(LanguageModelError, match="is for the alphabet"):
        Tuner(with_decoder(levels_bundle, lm=tmp_path / "other.lm"))


def test_nothing_to_tune_on_is_an_error(levels_bundle: Path, tmp_path: Path) -> None:
    tuner = Tuner(read_bundle(levels_bundle))
    for text, reason in ((None, "none has a text"), ("a hat", r"x\.wav: cannot be read")):
        write_manifest(tmp_path / "m.jsonl", [Utterance("x", "x.wav", 1.0, text)])
        with pytest.raises(ManifestError, match=f"no utterance to tune on: .*{reason}"):
            tuner.hear([Manifest(tmp_path / "m.jsonl")], 10)
