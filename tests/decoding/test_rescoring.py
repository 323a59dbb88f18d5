from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm.decoding.beam import BeamHypothesis
from speechlstm.decoding.rescoring import rescored
from speechlstm.lm.model import LanguageModel


class ByWord(LanguageModel):
    """Words have probabilities of their own; an end costs nothing."""

    num_words, alphabet_sha256, start_state, sentence_end = 4, None, 0, 1

    def __init__(self, a: float, b: float) -> None:
        self._log_probs = np.array([-9, 0, a, b], np.float32)

    @property
    def words(self) -> Sequence[str]:
        return ["<unk>", "</s>", "a", "b"]

    def advance(
        self, states: NDArray[np.int64], words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        return states, self._log_probs[words]


FOUND = [
    BeamHypothesis("a a", (), (), -1.0, -2.0, -4.5),
    BeamHypothesis("b", (), (), -2.0, -2.5, -5.0),
    BeamHypothesis("", (), (), -9.0, 0.0, -9.0),
]


def test_what_the_first_model_gave_is_taken_back() -> None:
    b, a, nothing = rescored(FOUND, ByWord(-1, -2), ByWord(-3, -1.5), lm_weight=0.5)
    # "a a" loses 4; "b" gains 0.5 and keeps what the first pass has charged for more than words.
    assert b == replace(FOUND[1], lm_log_prob=-2.0, score=-4.75)
    assert a == replace(FOUND[0], lm_log_prob=-6.0, score=-6.5)
    assert nothing == FOUND[2]


@pytest.mark.parametrize("weight", [0.0, 0.7])
def test_the_same_model_changes_nothing(weight: float) -> None:
    assert rescored(FOUND, ByWord(-1, -2), ByWord(-1, -2), weight) == FOUND
