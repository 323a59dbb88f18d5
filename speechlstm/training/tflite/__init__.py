"""Conversion of Keras networks to TensorFlow Lite files, and edits of these files."""
