from pathlib import Path

import numpy as np
import pytest

from speechlstm.alphabet import ENGLISH
from speechlstm.config import DecodeConfig
from speechlstm.decoding.beam import BeamDecoder, BeamHypothesis
from speechlstm.lm.ngram import NGramModel
from speechlstm.metrics import word_errors
from speechlstm.wer_surface import (
    LM_WEIGHTS,
    WORD_BONUSES,
    HypothesisPool,
    WERSurface,
    estimate_surface,
)

# Of "a hat": the last wins with a language model, the middle one with a bonus for words.
FOUND = [
    BeamHypothesis("ahat", (), (), -1.0, -9.0, 0.0),
    BeamHypothesis("a h at", (), (), -2.0, -12.0, 0.0),
    BeamHypothesis("a hat", (), (), -3.0, -4.0, 0.0),
]


def test_errors_are_those_of_the_hypothesis_that_weights_would_put_first() -> None:
    pool = HypothesisPool("a hat")
    assert pool.add(FOUND[:2]) == 2
    assert pool.add(FOUND) == 1
    errors = pool.errors()
    assert errors.shape == (len(LM_WEIGHTS), len(WORD_BONUSES))
    for lm_weight, row in zip(LM_WEIGHTS, errors, strict=True):
        for word_bonus, found in zip(WORD_BONUSES, row, strict=True):
            best = max(
                FOUND,
                key=lambda h: (
                    h.log_prob + lm_weight * h.lm_log_prob + word_bonus * len(h.text.split())
                ),
            )
            assert found == word_errors("a hat", best.text).num_errors
    assert set(errors.ravel()) == {0, 2}


def test_surface_adds_errors_before_it_divides() -> None:
    pools = [HypothesisPool("a hat"), HypothesisPool("one two three")]
    for pool in pools:
        pool.add(FOUND[2:])
    rates = estimate_surface(pools).rates
    assert rates == pytest.approx(np.full(rates.shape, 3 / 5))
    silence = HypothesisPool("")
    silence.add(FOUND[2:])
    assert estimate_surface([silence]).rates.max() == 2  # as for any rate of silence


def test_lowest_is_a_basin_not_a_lucky_point() -> None:
    rates = np.full((len(LM_WEIGHTS), len(WORD_BONUSES)), 0.5)
    rates[20, 20] = 0.1
    rates[4:7, 9:12] = 0.3
    assert WERSurface(rates).lowest == (LM_WEIGHTS[5], WORD_BONUSES[10])
    rates = np.full(rates.shape, 0.5)
    rates[0, 0] = 0.1  # at the edge there are fewer around
    assert WERSurface(rates).lowest == (LM_WEIGHTS[0], WORD_BONUSES[0])


def test_scores_of_the_search_are_those_that_a_pool_weighs_anew(tiny_lm: Path) -> None:
    logits = 4 * np.random.default_rng(1).normal(size=(30, ENGLISH.num_labels))
    log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    config = DecodeConfig(lm_weight=0.7, word_bonus=1.5, num_hypotheses=20)
    beam = BeamDecoder(ENGLISH, config, NGramModel.open(tiny_lm))
    found = beam.decode(log_probs.astype(np.float32))
    assert len(found) == 20
    for h in found:
        weighed = h.log_prob + 0.7 * h.lm_log_prob + 1.5 * len(h.text.split())
        assert h.score == pytest.approx(weighed)


def test_plot_is_a_png(tmp_path: Path) -> None:
    rates = np.abs(LM_WEIGHTS[:, np.newaxis] - 0.5) + 0.01 * WORD_BONUSES**2
    WERSurface(rates).plot(tmp_path / "surface.png", (0.5, 0.0))
    assert (tmp_path / "surface.png").read_bytes().startswith(b"\x89PNG")
