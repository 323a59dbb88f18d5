"""Explanations: what the network heard, what competed, what each model said, what was remembered.

from speechlstm.audio import Audio as Audio
from speechlstm.explain import explain as explain
from speechlstm.explain import to_text as to_text

print(to_text(explain(Audio.load("data/samples/reading.wav"))))
"""

from speechlstm.explain.explain import explain as explain
from speechlstm.explain.explanation import Comparison as Comparison
from speechlstm.explain.explanation import ExplainedWord as ExplainedWord
from speechlstm.explain.explanation import Explanation as Explanation
from speechlstm.explain.explanation import Head as Head
from speechlstm.explain.explanation import Saliency as Saliency
from speechlstm.explain.text import to_text as to_text
