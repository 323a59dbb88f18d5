"""TensorFlow Lite files: metadata, checks of their structure, and the interpreter."""
