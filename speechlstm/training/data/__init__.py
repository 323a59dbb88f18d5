"""Data for training: decoded recordings, augmentation, batches of similar lengths, prefetching."""
