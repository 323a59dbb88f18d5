"""Bundles: an acoustic model and a decoder, in a folder or in a single .tflite file.

    BUNDLE/model.tflite        waveform in, log-probabilities out; its description inside
    BUNDLE/lm.ngram            the language model, if it has one
    BUNDLE/rescorer.tflite     an LSTM language model, if it has one
    BUNDLE/lexicon.tree        words and the symbols they are made of, if it has one
    BUNDLE/pronouncer.tflite   a G2P network for hot words that the lexicon lacks, if it has one
    BUNDLE/bundle.json         the same description for people, how to decode, and the SHA-256 of
                               every other file
    BUNDLE/README.md           notes for people, if there are any: never checked, never lost

The .tflite file alone is a bundle without what only the decoder needs. A bundle holds no code.
Whatever is missing, damaged or unknown in it is refused, never guessed.
"""

from speechlstm.bundle.read import default_bundle as default_bundle
from speechlstm.bundle.read import find_bundle as find_bundle
from speechlstm.bundle.read import read_bundle as read_bundle
from speechlstm.bundle.spec import AcousticSpec as AcousticSpec
from speechlstm.bundle.spec import Bundle as Bundle
from speechlstm.bundle.write import decoder_to_keep as decoder_to_keep
from speechlstm.bundle.write import refuse_to_replace_others as refuse_to_replace_others
from speechlstm.bundle.write import write_bundle as write_bundle
from speechlstm.bundle.write import write_decoder as write_decoder
