"""The CTC loss (Graves et al., ICML 2006) with true lengths, and the consistency loss of CR-CTC."""

from typing import Any

import keras
from keras import ops

from speechlstm.text.alphabet import BLANK


def ctc_losses(logits: Any, num_steps: Any, labels: Any, num_labels: Any) -> Any:
    """The CTC loss of each utterance: the negative natural log-probability of its labels.

    The probability is summed over all CTC paths. `keras.losses.CTC` uses the padded length as the
    length of every utterance, so that padding adds to the loss; this uses the true lengths.

    Args:
        logits: (batch, max_steps, num_labels).
        num_steps: (batch,) int32, number of output frames of each utterance.
        labels: (batch, max_labels) int32 in 1..num_labels - 1; values after the true labels are
            ignored.
        num_labels: (batch,) int32, number of labels of each utterance; together with the number of
            adjacent equal labels at most `num_steps`.

    Returns:
        (batch,) float32.

    >>> import numpy as np
    >>> logits = np.zeros((1, 2, 3), np.float32)  # of 9 equally likely paths, 3 give the label 1
    >>> one = np.array([1], np.int32)
    >>> losses = ctc_losses(logits, np.array([2], np.int32), one[None], one)
    >>> round(float(losses[0]), 4), round(float(np.log(3)), 4)
    (1.0986, 1.0986)
    """
    logits = ops.cast(logits, "float32")
    if keras.backend.backend() == "tensorflow":
        return _tensorflow(logits, num_steps, labels, num_labels)
    if keras.backend.backend() == "torch":
        return _torch(logits, num_steps, labels, num_labels)
    return ops.ctc_loss(labels, logits, num_labels, num_steps, mask_index=BLANK)


def consistency_losses(logits: Any, num_steps: Any) -> Any:
    """The consistency loss of each row: its divergence from its partner, summed over all frames.

    Rows 2k and 2k + 1 are two views of one utterance, differently augmented. The loss of a row is
    KL(partner || row) in nats, without a gradient through the partner (CR-CTC, Yao et al.,
    https://arxiv.org/abs/2410.05101).

    Args:
        logits: (2 * num_utterances, max_steps, num_labels).
        num_steps: (2 * num_utterances,) int32, number of output frames, equal for partners.

    Returns:
        (2 * num_utterances,) float32, at least 0.

    >>> ops.convert_to_numpy(consistency_losses(ops.ones((2, 5, 3)), [5, 5])).tolist()
    [0.0, 0.0]
    """
    log_probs = ops.log_softmax(ops.cast(logits, "float32"))
    shape = ops.shape(log_probs)
    pairs = ops.reshape(log_probs, (-1, 2, *shape[1:]))
    partners = ops.stop_gradient(ops.reshape(ops.flip(pairs, axis=1), shape))
    divergence = ops.sum(ops.exp(partners) * (partners - log_probs), axis=-1)
    true = ops.arange(shape[1])[None] < ops.convert_to_tensor(num_steps)[:, None]
    return ops.sum(ops.where(true, divergence, 0.0), axis=1)


def _tensorflow(logits: Any, num_steps: Any, labels: Any, num_labels: Any) -> Any:
    """TensorFlow's CTC kernel for sparse labels, 25 times as fast on a CPU as that for dense ones.

    It rejects an utterance without labels: such an utterance gets a substitute label, and its
    loss, which has a single path of blanks, is computed here.
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


def _torch(logits: Any, num_steps: Any, labels: Any, num_labels: Any) -> Any:
    """The loss by torch, which reads lengths on the CPU: it need not wait for NumPy arrays."""
    import torch

    lengths = [torch.as_tensor(n, device="cpu", dtype=torch.int64) for n in (num_steps, num_labels)]
    return torch.nn.functional.ctc_loss(
        torch.log_softmax(logits, dim=-1).transpose(0, 1),
        torch.as_tensor(labels, device=logits.device),
        *lengths,
        blank=BLANK,
        reduction="none",
    )
