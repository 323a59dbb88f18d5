"""A second look at the n-best list, by a language model that would be slow in the search."""

from collections.abc import Sequence
from dataclasses import replace

from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.lm.model import LanguageModel


def rescored(
    found: Sequence[BeamHypothesis], first: LanguageModel, second: LanguageModel, lm_weight: float
) -> list[BeamHypothesis]:
    """The hypotheses as if another language model had scored their words, the best first.

    Args:
        found: The hypotheses.
        first: The language model that has scored them.
        second: The other one, of the same words.
        lm_weight: Of the language model in their scores: see DecodeConfig.
    """
    texts = [hypothesis.text.split() for hypothesis in found]
    gains = second.sentence_log_probs(texts)[0] - first.sentence_log_probs(texts)[0]
    again = (
        replace(h, lm_log_prob=h.lm_log_prob + gain, score=h.score + lm_weight * gain)
        for h, gain in zip(found, gains.tolist(), strict=True)
    )
    return sorted(again, key=lambda hypothesis: -hypothesis.score)
