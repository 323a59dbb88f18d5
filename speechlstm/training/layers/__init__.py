"""What networks are made of, for every backend of Keras."""
