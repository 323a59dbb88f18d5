"""Pronunciation scores: how well each phone of a known text is pronounced.

scorer      `PronunciationScorer`: from a recording and its text to scores
scores      the scores of phones, words and the whole
"""

from speechlstm.pronunciation.scorer import PronunciationScorer
from speechlstm.pronunciation.scores import Pronunciation, ScoredPhone, ScoredWord
