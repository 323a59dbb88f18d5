"""Texts: normalisation, alphabets, lexicons, grapheme-to-phoneme conversion."""

from speechlstm.text.normalize import normalize
