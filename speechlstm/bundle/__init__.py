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
    BUNDLE/punctuator.tflite   optional: a network for readable text
    BUNDLE/bundle.json         the same description, the settings of the decoder, and the SHA-256 of
                               every other file
    BUNDLE/README.md           optional: notes for people; it has no checksum, and is kept

The bundle of a classifier has bundle.json and one of the first two files, or both. A .tflite file
alone is a bundle without a language model and lexicon. A bundle contains no code.
If anything in it is missing, damaged or unknown, it is refused; nothing is guessed.
"""

from speechlstm.bundle.read import (
    default_bundle,
    find_bundle,
    read_any_bundle,
    read_bundle,
    read_classifier,
)
from speechlstm.bundle.spec import (
    MODEL,
    PORTABLE_MODEL,
    STREAMING_MODEL,
    AcousticSpec,
    Bundle,
    ClassifierBundle,
    ClassifierSpec,
)
from speechlstm.bundle.write import (
    decoder_to_keep,
    refuse_to_replace_others,
    write_bundle,
    write_classifier,
    write_decoder,
)
