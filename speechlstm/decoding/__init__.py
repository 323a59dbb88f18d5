"""From log-probabilities of labels to words.

Modules in the order in which to read them:

decoder         the interfaces; the greedy decoder (greedy; timed_words: from frames to words)
search          the beam search: search_state (its arrays), word_endings and lm_memory (caches)
fusion          scores of words: the language model, lexicon_tree (prefix_tree), hot words
beam            the search for one utterance, with prior and hot words
hot_words       phrase_matcher (prefers them), spotting (finds the frames of each phrase),
                spotted_phrases (what was found), spotted_search (a search that may use them),
                beginnings (an utterance that ends within one may go on)
sentences       ends sentences at pauses, during the search
nbest           the decoder with all of this: n-best lists with times and confidence (calibrated)
joining         the hypotheses of segments as those of a recording; plausibility removes noise
spec, assemble  files and settings of a decoder; the decoder that they make
grammar         a list of phrases in place of a language model

Of a known text: likelihood (the sum over all paths), alignment (the best path), gaps (where text
and speech differ), anchors (alignment of long recordings), goodness (of pronunciation). All of it
reads log_probs.
"""
