"""Data for training.

pcm_cache     recordings, decoded once; waveforms: decoded anew each time
speed_copies  the same at other speeds
augment       what is drawn for an utterance in an epoch; effects, and masks for its spectrogram
bucketing     batches of similar lengths; prefetch: prepared ahead
sample_files  files of numbers that end in a checksum
"""
