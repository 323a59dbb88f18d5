"""Explanations: what the network heard, what competed, what each model said, what was remembered.

    from speechlstm.audio import Audio
    from speechlstm.explain import explain, to_text

    print(to_text(explain(Audio.load("data/samples/reading.wav"))))

explain      explains an utterance: the window of a recording that is asked for
explanation  what is found out: `Explanation`
recognition  what is recognised in each segment, as `transcribe` does
network      features, gates and probabilities, by cells: step by step
scoring      what each model says of any text; rivals: where the n-best list differs; comparing:
             with texts that differ in a single place

Shown as text, as a picture, or as a page with panels.
"""

from speechlstm.explain.explain import explain as explain
from speechlstm.explain.explanation import Comparison as Comparison
from speechlstm.explain.explanation import ExplainedWord as ExplainedWord
from speechlstm.explain.explanation import Explanation as Explanation
from speechlstm.explain.explanation import Head as Head
from speechlstm.explain.explanation import Saliency as Saliency
from speechlstm.explain.text import to_text as to_text
