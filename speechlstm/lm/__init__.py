"""Word n-gram language models: estimated, read and written as ARPA, packed and queried."""
