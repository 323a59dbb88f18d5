"""Which parts of the spectrum a recognised word depends on: the gradient through the network.

Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2013, for spectrograms.
"""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from speechlstm.acoustic import levelled
from speechlstm.audio import Audio
from speechlstm.bundle import Bundle
from speechlstm.decoding.timed_words import Emission
from speechlstm.training.acoustic.trained import trained_model
from speechlstm.training.tflite.convert import require_tensorflow


def saliency(
    bundle: Bundle, audio: Audio, paths: Sequence[Sequence[Emission]], *, phones: bool
) -> list[NDArray[np.float32]]:
    """The gradients of log-probabilities with respect to the mel spectrum of an utterance.

    Args:
        bundle: The model.
        audio: The utterance, at the sample rate of the model.
        paths: For each result the labels and the steps that emit them: it is the gradient of the
            sum of their log-probabilities.
        phones: Whether they are labels of the model's second output.

    Returns:
        For each path (num_frames, num_mels): by how much the log-probability rises with each dB.

    Raises:
        BundleError: The weights of the bundle cannot be read.
        ConfigError: Keras runs on another backend than TensorFlow.
    """
    require_tensorflow()
    model = trained_model(bundle.path).network
    audio = levelled(audio, bundle.acoustic.features)
    samples = tf.constant(audio.samples[np.newaxis])
    log_mels, num_frames = model.mfcc.log_mels(samples, tf.constant([len(audio.samples)]))
    first = bundle.acoustic.alphabet.num_labels if phones else 0
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(log_mels)
        logits, _ = model.from_features(model.mfcc.features(log_mels, num_frames), num_frames)
        log_probs = model.log_probs(logits)[0]
        scores = [
            tf.add_n([tf.reduce_sum(log_probs[e.start : e.stop, first + e.label]) for e in path])
            for path in paths
        ]
    return [np.asarray(tape.gradient(score, log_mels)[0]) for score in scores]
