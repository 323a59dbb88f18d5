"""Connectionist temporal classification (Graves et al., 2006), over true lengths; consistency."""

from typing import Any

import keras
from keras import ops

from speechlstm.text.alphabet import BLANK


def ctc_losses(logits: Any, num_steps: Any, labels: Any, num_labels: Any) -> Any:
    """Negative natural log probability of each utterance's labels, summed over all CTC paths.

    `keras.losses.CTC` takes the padded length as the true one, so that padding costs as speech;
    here every length is the utterance's own.

    Args:
        logits: (batch, max_steps, num_labels), raw.
        num_steps: (batch,) int32, true steps.
        labels: (batch, max_labels) int32, each in 1..num_labels - 1; anything beyond the true ones.
        num_labels: (batch,) int32, true labels; with their adjacent repeats at most num_steps.

    Returns:
        (batch,) float32.
    """
    logits = ops.cast(logits, "float32")
    if keras.backend.backend() == "tensorflow":
        return _tensorflow(logits, num_steps, labels, num_labels)
    return ops.ctc_loss(labels, logits, num_labels, num_steps, mask_index=BLANK)


def consistency_losses(logits: Any, num_steps: Any) -> Any:
    """How far each row's distributions are from its partner's, summed over steps, in nats.

    Rows 2k and 2k + 1 are two views of one utterance. Each learns from the other as that stands:
    KL(partner || row), with no gradient through the partner (CR-CTC, Yao et al.,
    https://arxiv.org/abs/2410.05101).

    Args:
        logits: (2 * num_utterances, max_steps, num_labels), raw.
        num_steps: (2 * num_utterances,) int32, true steps; those of partners are equal.

    Returns:
        (2 * num_utterances,) float32, each at least 0.
    """
    log_probs = ops.log_softmax(ops.cast(logits, "float32"))
    shape = ops.shape(log_probs)
    pairs = ops.reshape(log_probs, (-1, 2, *shape[1:]))
    partners = ops.stop_gradient(ops.reshape(ops.flip(pairs, axis=1), shape))
    divergence = ops.sum(ops.exp(partners) * (partners - log_probs), axis=-1)
    true = ops.arange(shape[1])[None] < ops.convert_to_tensor(num_steps)[:, None]
    return ops.sum(ops.where(true, divergence, 0.0), axis=1)


def _tensorflow(logits: Any, num_steps: Any, labels: Any, num_labels: Any) -> Any:
    """TensorFlow's kernel for sparse labels: on a CPU 25 times as fast as that for dense ones.

    It refuses an empty text, so it is given another, and that text's only path is summed here.
    """
    import tensorflow as tf

    empty = tf.equal(num_labels, 0)
    labels = tf.where(empty[:, None], BLANK + 1, tf.cast(labels, tf.int32))
    true = tf.sequence_mask(tf.maximum(num_labels, 1), tf.shape(labels)[1])
    losses = tf.nn.ctc_loss(
        tf.sparse.from_dense(tf.where(true, labels, BLANK)),
        logits,
        None,
        num_steps,
        logits_time_major=False,
        blank_index=BLANK,
    )
    blanks = tf.nn.log_softmax(logits)[:, :, BLANK]
    steps = tf.sequence_mask(num_steps, tf.shape(logits)[1])
    return tf.where(empty, -tf.reduce_sum(tf.where(steps, blanks, 0.0), axis=1), losses)
