"""Everything Keras: features, network, loss, data, training loop, export (extra ``train``)."""
