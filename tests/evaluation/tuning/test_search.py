from dataclasses import replace

import pytest

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.evaluation.metrics import ErrorCounts
from speechlstm.evaluation.tuning.search import (
    BEAM_WIDTHS,
    NEURAL_LM_WEIGHTS,
    fewest,
    least_changed,
    search_beam_width,
    search_neural_lm,
    search_quickly,
    search_sentence_pause,
    search_weights,
)
from speechlstm.evaluation.tuning.trials import WITHOUT, Trial, Trials


def trial(config: DecodeConfig, neural_lm: NeuralLMConfig, num_errors: float) -> Trial:
    errors = ErrorCounts(substitutions=round(num_errors), hits=1000 - round(num_errors))
    return Trial(config, neural_lm, (errors,), 0.0, ())


@pytest.mark.slow
def test_weights_that_decode_better_are_found(trials: Trials) -> None:
    start = DecodeConfig(lm_weight=0.0, word_bonus=0.0, beam_width=20)
    tried = search_weights(trials.decode, start)
    first = next(trial for trial in tried if trial.config == start)
    assert tried[0].errors.num_errors == 0 < first.errors.num_errors
    assert tried[0].config.lm_weight > 0
    assert replace(tried[0].config, lm_weight=0.0, word_bonus=0.0, prior_weight=0.5) == start


def test_search_goes_to_where_all_around_is_worse() -> None:
    decoded = []

    def valley(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        """Its floor is at (1.85, -2, 0.2)."""
        decoded.append(config)
        depth = 100 * abs(config.lm_weight - 1.85) + 10 * abs(config.word_bonus + 2)
        return trial(config, neural_lm, depth + 100 * abs(config.prior_weight - 0.2))

    best = search_weights(valley, DecodeConfig(lm_weight=0.2, word_bonus=1.0))[0].config
    assert (best.lm_weight, best.word_bonus, best.prior_weight) == (1.85, -2.0, 0.2)
    assert len(set(decoded)) == len(decoded)
    assert min(config.lm_weight for config in decoded) >= 0


@pytest.mark.parametrize("is_open", [True, False])
def test_the_cost_of_unknown_words_is_searched_where_they_are_possible(is_open: bool) -> None:
    def valley(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        return trial(config, neural_lm, 100 * abs(config.unknown_character_log_prob + 0.5))

    best = search_weights(valley, DecodeConfig(), is_open)[0].config
    assert best.unknown_character_log_prob == (-0.5 if is_open else -4.0)


def test_the_narrowest_beam_that_does_no_harm_is_chosen() -> None:
    tried = []

    def wider_is_better(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        tried.append(config.beam_width)
        errors = {64: 110, 128: 101, 256: 100, 512: 100}[config.beam_width]
        return trial(config, neural_lm, errors)

    best = search_beam_width(wider_is_better, DecodeConfig(beam_width=7))
    assert tried == list(BEAM_WIDTHS)
    assert best.config == DecodeConfig(beam_width=128)  # .101 is within .001 of .100


@pytest.mark.parametrize(("start", "best"), [(0.0, 0.4), (0.4, 0.4), (0.5, 0.5), (0.35, 0.4)])
def test_another_pause_is_chosen_only_if_it_does_good(start: float, best: float) -> None:
    def errors(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        return trial(config, neural_lm, {0.4: 7, 0.5: 7, 0.35: 8}.get(config.sentence_pause, 9))

    config = DecodeConfig(word_bonus=0.3, sentence_pause=start)
    found = search_sentence_pause(errors, errors(config, WITHOUT)).config
    assert found == replace(config, sentence_pause=best)


def test_the_weight_of_an_lstm_is_searched_then_lm_weight() -> None:
    tried = []

    def valley(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        tried.append(neural_lm.weight)
        depth = 100 * abs(config.lm_weight - 0.9) + 10 * abs(neural_lm.weight - 0.6)
        return trial(config, neural_lm, depth + 100 * (neural_lm.mode != "fuse"))

    without = valley(DecodeConfig(lm_weight=0.75), WITHOUT)
    best = search_neural_lm(valley, without, NeuralLMConfig(mode="fuse"))
    assert best.neural_lm == NeuralLMConfig(weight=0.5, mode="fuse")
    assert best.config == DecodeConfig(lm_weight=0.9)
    assert tried == [0.0, *NEURAL_LM_WEIGHTS, 0.5, 0.5]


def test_an_lstm_that_does_harm_is_left_out() -> None:
    def harm(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        return trial(config, neural_lm, 10 + 10 * neural_lm.weight)

    without = harm(DecodeConfig(), replace(NeuralLMConfig(mode="fuse"), weight=0.0))
    assert search_neural_lm(harm, without, NeuralLMConfig(mode="fuse")) == without


def test_a_quick_search_moves_one_setting_after_another() -> None:
    tried: list[tuple[float, float, float]] = []

    def attempt(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        tried.append((neural_lm.weight, config.lm_weight, config.word_bonus))
        errors = abs(neural_lm.weight - 0.4) + abs(config.lm_weight - 0.7) + abs(config.word_bonus)
        counts = tuple(ErrorCounts(substitutions=int(i < 100 * errors)) for i in range(200))
        return Trial(config, neural_lm, counts, 0.0, ())

    best = search_quickly(
        attempt, DecodeConfig(lm_weight=1.0, word_bonus=-0.5), NeuralLMConfig(0.7, "fuse")
    )
    assert (best.neural_lm.weight, best.config.lm_weight, best.config.word_bonus) == (0.4, 0.7, 0.0)
    assert best.neural_lm.mode == "fuse"
    assert len(tried) == 9
    assert tried[:3] == [(0.7, 1.0, -0.5), (0.4, 1.0, -0.5), (0.0, 1.0, -0.5)]


def test_a_quick_search_keeps_the_settings_that_chance_may_have_beaten() -> None:
    """Without the LSTM there is an error less in one utterance of four."""

    def attempt(config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
        found = [1, 1, 1, 0 if neural_lm.weight == 0 else 1]
        counts = tuple(ErrorCounts(substitutions=n, hits=3) for n in found)
        return Trial(config, neural_lm, counts, 0.0, ())

    start = DecodeConfig(), NeuralLMConfig(0.7, "fuse")
    best = search_quickly(attempt, *start)
    assert (best.config, best.neural_lm) == start


def test_settings_change_when_the_gain_is_more_than_chance() -> None:
    """Of 16 utterances, fewer errors in 3 (3 > 1.64 sqrt(3) = 2.84), 2, none; of one, in all."""
    before = [1] * 16
    assert least_changed([before, [0] * 3 + [1] * 13]) == 1
    assert least_changed([before, [0] * 2 + [1] * 14]) == 0
    assert least_changed([before, before]) == 0
    assert least_changed([[20], [0]]) == 0  # one utterance decides nothing, however long it is
    assert least_changed([[1, 1], [0, 0]]) == 0
    assert least_changed([[1] * 3, [0] * 3]) == 1
    assert fewest([before, [0] + [1] * 15]) == 1
