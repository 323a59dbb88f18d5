"""Bundles: an acoustic model and a decoder, or a classifier; as a folder or a single .tflite file.

    BUNDLE/model.tflite        computes log-probabilities from a waveform; has a description inside
    BUNDLE/model.portable.tflite
                               the same without variable tensors, for runtimes that refuse these; a
                               bundle has one of them or both
    BUNDLE/model.streaming.tflite
                               optional: the same block by block, with the state as input and output
    BUNDLE/lm.ngram            optional: an n-gram language model
    BUNDLE/rescorer.tflite     optional: an LSTM language model
    BUNDLE/lexicon.tree        optional: words and their spellings in phones or characters
    BUNDLE/pronouncer.tflite   optional: a G2P network for hot words that the lexicon lacks
    BUNDLE/bundle.json         the same description, the settings of the decoder, and the SHA-256 of
                               every other file
    BUNDLE/README.md           optional: notes for people; it has no checksum, and is kept

The bundle of a classifier has bundle.json and one of the first two files, or both. A .tflite file
alone is a bundle without a language model and lexicon. A bundle contains no code.
If anything in it is missing, damaged or unknown, it is refused; nothing is guessed.
"""

from speechlstm.bundle.read import default_bundle as default_bundle
from speechlstm.bundle.read import find_bundle as find_bundle
from speechlstm.bundle.read import read_any_bundle as read_any_bundle
from speechlstm.bundle.read import read_bundle as read_bundle
from speechlstm.bundle.read import read_classifier as read_classifier
from speechlstm.bundle.spec import MODEL as MODEL
from speechlstm.bundle.spec import PORTABLE_MODEL as PORTABLE_MODEL
from speechlstm.bundle.spec import STREAMING_MODEL as STREAMING_MODEL
from speechlstm.bundle.spec import AcousticSpec as AcousticSpec
from speechlstm.bundle.spec import Bundle as Bundle
from speechlstm.bundle.spec import ClassifierBundle as ClassifierBundle
from speechlstm.bundle.spec import ClassifierSpec as ClassifierSpec
from speechlstm.bundle.write import decoder_to_keep as decoder_to_keep
from speechlstm.bundle.write import refuse_to_replace_others as refuse_to_replace_others
from speechlstm.bundle.write import write_bundle as write_bundle
from speechlstm.bundle.write import write_classifier as write_classifier
from speechlstm.bundle.write import write_decoder as write_decoder
