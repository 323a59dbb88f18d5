"""Language models: n-gram models and LSTMs, perplexity, sampling."""
