"""The acoustic model: network, run, trainer, export."""
