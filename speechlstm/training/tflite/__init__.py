"""From Keras to TensorFlow Lite."""
