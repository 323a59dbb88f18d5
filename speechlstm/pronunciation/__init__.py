"""Pronunciation scores: how well each phone of a known text is pronounced.

scorer      `PronunciationScorer`: from a recording and its text to scores
scores      the scores of phones, words and the whole
"""

from speechlstm.pronunciation.scorer import PronunciationScorer as PronunciationScorer
from speechlstm.pronunciation.scores import Pronunciation as Pronunciation
from speechlstm.pronunciation.scores import ScoredPhone as ScoredPhone
from speechlstm.pronunciation.scores import ScoredWord as ScoredWord
