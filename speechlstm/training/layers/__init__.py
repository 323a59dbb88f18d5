"""Keras layers and losses: MFCC, recurrent layer, CTC, for each of Keras' backends."""
