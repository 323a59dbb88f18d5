"""TensorFlow Lite files: what they say of themselves, whether they are sound, what runs them."""
