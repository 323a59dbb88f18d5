"""TensorFlow Lite files: what they say of themselves."""
