"""Rescores n-best lists with a language model that would be too slow in the search."""

from collections.abc import Sequence
from dataclasses import replace

from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.lm.model import LanguageModel


def rescored(
    n_best: Sequence[BeamHypothesis], first: LanguageModel, second: LanguageModel, lm_weight: float
) -> list[BeamHypothesis]:
    """The hypotheses with the scores that another language model gives their words, best first.

    Args:
        n_best: The hypotheses.
        first: The language model that their scores are from.
        second: The other one, with the same words.
        lm_weight: The weight of the language model in the scores: see DecodeConfig.
    """
    texts = [hypothesis.text.split() for hypothesis in n_best]
    gains = second.sentence_log_probs(texts)[0] - first.sentence_log_probs(texts)[0]
    hypotheses = (
        replace(h, lm_log_prob=h.lm_log_prob + gain, score=h.score + lm_weight * gain)
        for h, gain in zip(n_best, gains.tolist(), strict=True)
    )
    return sorted(hypotheses, key=lambda hypothesis: -hypothesis.score)
