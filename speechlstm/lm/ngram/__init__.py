"""N-gram language models: counted, estimated, packed."""
