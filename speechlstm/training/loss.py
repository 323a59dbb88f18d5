"""Connectionist temporal classification (Graves et al., 2006), over true lengths."""

from typing import Any

from keras import ops

from speechlstm.alphabet import BLANK


def ctc_losses(logits: Any, num_steps: Any, labels: Any, num_labels: Any) -> Any:
    """Negative natural log probability of each utterance's labels, summed over all CTC paths.

    `keras.losses.CTC` takes the padded length as the true one, so that padding costs as speech;
    here every length is the utterance's own.

    Args:
        logits: (batch, max_steps, num_labels), raw.
        num_steps: (batch,) int32, true steps.
        labels: (batch, max_labels) int32, in 1..num_labels - 1; anything beyond an utterance's own.
        num_labels: (batch,) int32, true labels; steps must be at least labels plus adjacent repeats.

    Returns:
        (batch,) float32.
    """
    logits = ops.cast(logits, "float32")
    return ops.ctc_loss(labels, logits, num_labels, num_steps, mask_index=BLANK)
