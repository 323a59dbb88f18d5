"""The LSTM language model: network, dataset, run, trainer, recipe, export."""
