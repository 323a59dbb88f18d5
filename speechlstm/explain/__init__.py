"""Explanations: what the network heard, what competed, what each model said, what was remembered.

from speechlstm.audio import Audio
from speechlstm.explain import explain, to_text

print(to_text(explain(Audio.load("data/samples/reading.wav"))))
"""

from speechlstm.explain.explain import explain
from speechlstm.explain.explanation import Comparison, ExplainedWord, Explanation, Head, Saliency
from speechlstm.explain.text import to_text
