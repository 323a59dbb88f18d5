"""N-gram language models.

counts    of the n-grams of a text
estimate  their probabilities, by modified Kneser-Ney; mixture: of two models
table     a model as plain arrays; arpa: the same in a text file
trie      a model in flat arrays that can be searched; quantize: in one byte a value
packed    the file that is memory-mapped; identify: what a file is that is no model
model     answers the queries of decoders
"""
