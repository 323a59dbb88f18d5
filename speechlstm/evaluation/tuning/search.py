"""Which settings of a decoder to try: its weights, the width of its beam, the LSTM's share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.evaluation.tuning.trials import WITHOUT, Trial

BEAM_WIDTHS = (64, 128, 256, 512)
NEURAL_LM_WEIGHTS = (0.3, 0.5, 0.7)
STEPS = ((0.3, 1.0, 0.2), (0.15, 0.5, 0.1))  # of the three weights, the coarse ones first
TOLERANCE = 0.001  # of WER, that a narrower beam may cost

Try = Callable[[DecodeConfig, NeuralLMConfig], Trial]


def search_weights(attempt: Try, config: DecodeConfig) -> list[Trial]:
    """Search lm_weight, word_bonus and prior_weight.

    In steps to the best of the points around, until none is better, then in smaller ones (Hooke
    and Jeeves, "Direct search" solution of numerical and statistical problems, 1961).

    Args:
        attempt: Decodes with certain settings.
        config: Where to start, and all other settings.

    Returns:
        All trials, the one with the fewest errors first.
    """
    trials: dict[DecodeConfig, Trial] = {}

    def num_errors(config: DecodeConfig) -> int:
        if config not in trials:
            trials[config] = attempt(config, WITHOUT)
        return _num_errors(trials[config])

    best = config
    for steps in STEPS:
        centre = None
        while centre != best:
            centre = best
            best = min([centre, *_around(centre, *steps)], key=num_errors)
    return sorted(trials.values(), key=_num_errors)


def search_beam_width(attempt: Try, config: DecodeConfig) -> Trial:
    """The narrowest of BEAM_WIDTHS whose WER is within TOLERANCE of the lowest."""
    trials = [attempt(replace(config, beam_width=width), WITHOUT) for width in BEAM_WIDTHS]
    lowest = min(trial.errors.rate for trial in trials)
    return next(trial for trial in trials if trial.errors.rate <= lowest + TOLERANCE)


def search_neural_lm(attempt: Try, without: Trial, neural_lm: NeuralLMConfig) -> Trial:
    """Search the weight of the LSTM language model, then lm_weight again, by a small step.

    Args:
        attempt: Decodes with certain settings.
        without: What was found without it.
        neural_lm: Its mode.

    Returns:
        The one with the fewest errors, perhaps without the LSTM.
    """
    config = without.config
    weights = [replace(neural_lm, weight=weight) for weight in NEURAL_LM_WEIGHTS]
    best = min([without, *(attempt(config, weight) for weight in weights)], key=_num_errors)
    step = STEPS[-1][0]
    lm_weights = (round(config.lm_weight + step * sign, 3) for sign in (-1, 1))
    moved = [replace(config, lm_weight=max(0.0, weight)) for weight in lm_weights]
    return min([best, *(attempt(c, best.neural_lm) for c in moved)], key=_num_errors)


def _num_errors(trial: Trial) -> int:
    return trial.errors.num_errors


def _around(
    config: DecodeConfig, lm_step: float, bonus_step: float, prior_step: float
) -> Iterator[DecodeConfig]:
    """Settings that differ by a step: in prior_weight, or in one or both of the others."""
    moves = [(i, j, 0) for i, j in product((-1, 0, 1), repeat=2) if i or j]
    for i, j, k in [*moves, (0, 0, -1), (0, 0, 1)]:
        lm_weight = round(config.lm_weight + i * lm_step, 3)
        word_bonus = round(config.word_bonus + j * bonus_step, 3)
        prior_weight = round(config.prior_weight + k * prior_step, 3)
        if lm_weight >= 0 and prior_weight >= 0:
            yield replace(
                config, lm_weight=lm_weight, word_bonus=word_bonus, prior_weight=prior_weight
            )
