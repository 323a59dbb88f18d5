"""N-gram language models: counting, estimation, ARPA files, packed files and queries."""
