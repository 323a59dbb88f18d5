"""The acoustic model: network, dataset, run, trainer, export.

recipe.py connects them from manifests to a trained run, on the utterances that corpus.py selects.
validation.py measures error rates in training; transfer.py starts from another model;
verification.py compares an exported bundle with its model, by probe.py in a process without
TensorFlow.
"""
