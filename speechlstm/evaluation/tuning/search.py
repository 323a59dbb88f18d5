"""Searches the settings of a decoder: its weights, the beam width and the weight of the LSTM."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from speechlstm.config import DecodeConfig, NeuralLMConfig
from speechlstm.evaluation.significance import largest_by_chance
from speechlstm.evaluation.tuning.trials import WITHOUT, Trial

BEAM_WIDTHS = (64, 128, 256, 512)
NEURAL_LM_WEIGHTS = (0.3, 0.5, 0.7)
SENTENCE_PAUSES = (0.0, 0.3, 0.4, 0.6)
# Steps of lm_weight, word_bonus, prior_weight and unknown_character_log_prob: coarse, then fine.
STEPS = ((0.3, 1.0, 0.2, 1.0), (0.15, 0.5, 0.1, 0.5))
TOLERANCE = 0.001  # the increase of WER (a fraction) that is accepted for a narrower beam

Try = Callable[[DecodeConfig, NeuralLMConfig], Trial]


def search_weights(attempt: Try, config: DecodeConfig, is_open: bool = False) -> list[Trial]:
    """Search lm_weight, word_bonus, prior_weight and, of an open vocabulary, the cost of its words.

    That cost, unknown_character_log_prob, depends on the texts of the language model: after a few
    hundred sentences most words are unknown, and at a high cost they fall apart into known ones.

    Moves to the best of the neighbouring settings until none is better, then repeats this with
    smaller steps (Hooke and Jeeves, '"Direct search" solution of numerical and statistical
    problems', 1961).

    Args:
        config: The settings to start from; the other settings stay as they are.
        is_open: Whether words outside the vocabulary are possible.

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
            best = min([centre, *_around(centre, steps, is_open)], key=num_errors)
    return sorted(trials.values(), key=_num_errors)


def search_beam_width(attempt: Try, config: DecodeConfig) -> Trial:
    """The narrowest of BEAM_WIDTHS whose WER is within TOLERANCE of the lowest."""
    trials = [attempt(replace(config, beam_width=width), WITHOUT) for width in BEAM_WIDTHS]
    lowest = min(trial.errors.rate for trial in trials)
    return next(trial for trial in trials if trial.errors.rate <= lowest + TOLERANCE)


def search_sentence_pause(attempt: Try, before: Trial) -> Trial:
    """The pause of SENTENCE_PAUSES with the fewest errors; that of the trial before if all do."""
    pauses = [pause for pause in SENTENCE_PAUSES if pause != before.config.sentence_pause]
    others = (attempt(replace(before.config, sentence_pause=p), WITHOUT) for p in pauses)
    return min([before, *others], key=_num_errors)


def search_neural_lm(attempt: Try, without: Trial, neural_lm: NeuralLMConfig) -> Trial:
    """Search the weight of the LSTM language model, then a small change of lm_weight.

    Args:
        without: The best trial without the LSTM.
        neural_lm: The mode of the LSTM.

    Returns:
        The trial with the fewest errors, which may be the one without the LSTM.
    """
    config = without.config
    weights = [replace(neural_lm, weight=weight) for weight in NEURAL_LM_WEIGHTS]
    best = min([without, *(attempt(config, weight) for weight in weights)], key=_num_errors)
    step = STEPS[-1][0]
    lm_weights = (round(config.lm_weight + step * sign, 3) for sign in (-1, 1))
    moved = [replace(config, lm_weight=max(0.0, weight)) for weight in lm_weights]
    return min([best, *(attempt(c, best.neural_lm) for c in moved)], key=_num_errors)


def search_quickly(attempt: Try, config: DecodeConfig, neural_lm: NeuralLMConfig) -> Trial:
    """Settings near those given, where an LSTM makes each trial slow: nine trials.

    Its share first, then lm_weight and word_bonus by a step up and down.

    Args:
        attempt: Decodes with certain settings.
        config: Where to start, and all other settings.
        neural_lm: Those of the LSTM language model.

    Returns:
        Of the trials, nearest to the settings given first, that of `least_changed`.
    """
    shares = dict.fromkeys((neural_lm.weight, 0.4, 0.0))
    trials = [attempt(config, replace(neural_lm, weight=share)) for share in shares]
    best = min(trials, key=_num_errors)
    for key, step in (("lm_weight", 0.2), ("word_bonus", 0.5), ("lm_weight", 0.1)):
        middle = getattr(best.config, key)
        values = [round(middle + sign * step, 3) for sign in (1, -1)]
        moved = [replace(best.config, **{key: max(0.0, v) if key == "lm_weight" else v})
                 for v in values]  # fmt: skip
        trials += [attempt(c, best.neural_lm) for c in moved]
        best = min(trials, key=_num_errors)
    return trials[least_changed([trial.num_errors for trial in trials])]


def fewest(errors: Sequence[Sequence[int]]) -> int:
    """The index of the settings with the fewest errors; see least_changed."""
    return min(range(len(errors)), key=lambda index: sum(errors[index]))


def least_changed(errors: Sequence[Sequence[int]]) -> int:
    """Choose the first of several settings that the best one does not beat by more than chance.

    That is, by more than `largest_by_chance`, as once in twenty. Of a few recordings the fewest
    errors alone would choose settings that fit no others; and the first ones are those that suit
    what a base was made for.

    >>> least_changed([[1, 1, 1, 1], [1, 1, 1, 0]])
    0
    >>> least_changed([[1, 1, 1, 1], [1, 0, 0, 0]])
    1

    Args:
        errors: Of each of the settings, the errors in each utterance.

    Returns:
        The index of the settings.
    """
    best = errors[fewest(errors)]
    for index, tried in enumerate(errors):
        added = np.subtract(tried, best)
        if added.sum() <= largest_by_chance(added.tolist()):
            return index
    raise AssertionError("the best one is as good as itself")


def _num_errors(trial: Trial) -> int:
    return trial.errors.num_errors


def _around(
    config: DecodeConfig, steps: tuple[float, float, float, float], is_open: bool
) -> Iterator[DecodeConfig]:
    """The neighbouring settings: a step in one weight, or in each of the first two."""
    moves = [(i, j, 0, 0) for i, j in product((-1, 0, 1), repeat=2) if i or j]
    moves += [(0, 0, -1, 0), (0, 0, 1, 0)]
    if is_open:
        moves += [(0, 0, 0, -1), (0, 0, 0, 1)]
    keys = ("lm_weight", "word_bonus", "prior_weight", "unknown_character_log_prob")
    for signs in moves:
        values = {
            key: round(getattr(config, key) + sign * step, 3)
            for key, sign, step in zip(keys, signs, steps, strict=True)
        }
        weights = values["lm_weight"], values["prior_weight"]
        if min(weights) >= 0 >= values["unknown_character_log_prob"]:
            yield replace(config, **values)
