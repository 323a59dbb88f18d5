"""The LSTM language model: network, run, trainer, export."""
