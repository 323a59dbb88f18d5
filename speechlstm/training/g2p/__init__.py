"""The pronouncer of unknown words: network, trainer, export."""
