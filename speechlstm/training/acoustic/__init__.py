"""The acoustic model, and what every network of speech shares with it: see also classification.

network       the encoder (encoder.py) and output layers for characters and phones, under CTC
corpus        the usable utterances of manifests, in columns (examples.py)
dataset       batches of them, augmented; mixing.py mixes waveforms on a GPU

manifests     the manifests of a run, and loading of their data
run           the folder of a run
trainer       updates and metrics; validation.py: error rates in training
recipe        from manifests to a run, by session.py; planning.py: how long that will take
transfer      the weights to start from, of a run or bundle (stored_weights.py); start.py: if at all

export        from a run or bundle (trained.py) to a verified bundle
conversion    to .tflite files; streaming.py: for blocks of samples; rounding.py: to four bits
verification  of the files against the network, on recordings.py, by probe.py without TensorFlow
golden        files to test ports to other languages against
saliency      the gradient of a word with respect to the spectrum
"""
