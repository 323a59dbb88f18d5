"""Language models.

model          the interface: states, words, probabilities
ngram          n-gram models
lstm           LSTMs, by LiteRT; partition: an estimate of the denominator of their softmax
interpolation  of both
text           sentences as word ids; textfile: compressed or not

What can be asked of a model: perplexity, comparison (of two), prediction (the next word), sample.
"""
