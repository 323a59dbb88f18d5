"""The network for capitals and punctuation: text, network, run, trainer, export."""
