"""The LSTM language model: network, dataset, run, trainer, export."""
