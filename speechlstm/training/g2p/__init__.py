"""Grapheme-to-phoneme conversion (g2p) for unknown words: the network, its training, its export."""
