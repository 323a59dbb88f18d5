"""Grapheme-to-phoneme conversion (g2p) for unknown words: network, dataset, trainer, export."""
