"""From Keras networks to TensorFlow Lite files: convert, portable (loops), edit."""
