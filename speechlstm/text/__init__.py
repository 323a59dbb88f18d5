"""Texts.

normalize  the one normalisation, for training and scoring
alphabet   symbols and their labels; similar: letters to take for others
targets    the CTC labels of a transcript
lexicon    the phones of words; g2p: of words that it lacks
phrases    the only ones of a closed grammar
written    texts as people write them, with the words that are spoken
"""

from speechlstm.text.normalize import normalize
