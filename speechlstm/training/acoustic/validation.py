"""Validation in training: loss and error rates with greedy decoding, without a language model."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from keras import ops
from numpy.typing import NDArray

from speechlstm.decoding.greedy import greedy_decode
from speechlstm.evaluation.metrics import ErrorCounts, character_errors, word_errors
from speechlstm.training.acoustic.dataset import SpeechDataset
from speechlstm.training.acoustic.network import AcousticNetwork
from speechlstm.training.acoustic.run import Run
from speechlstm.training.layers.ctc import ctc_losses


@dataclass(frozen=True)
class Validation:
    """Loss and errors of a model on the validation data.

    Attributes:
        loss: Mean CTC loss of the characters of an utterance.
        phones: Phone errors of the utterances whose phones are known.
    """

    loss: float
    words: ErrorCounts
    characters: ErrorCounts
    phones: ErrorCounts = field(default_factory=ErrorCounts)


def validate(
    model: AcousticNetwork,
    data: SpeechDataset,
    run: Run,
    between: Callable[[], None] = lambda: None,
) -> Validation:
    """Compute the loss, and decode all utterances greedily.

    Args:
        run: The run, for its alphabets and frame rate.
    """
    features, stack = run.settings.features, run.settings.model.frame_stack
    frame_seconds = features.hop_ms / 1000 * stack
    words = characters = phones = ErrorCounts(0, 0, 0, 0)
    losses = []
    for index in range(len(data)):
        inputs, targets = data[index]
        logits, num_steps = model.predict_on_batch(inputs)
        logits, phone_logits = np.split(logits, [run.alphabet.num_labels], axis=-1)
        batch_losses = ctc_losses(logits, num_steps, targets["labels"], targets["num_labels"])
        examples = data.examples(index)
        number = len(examples)  # the rows after them are copies
        losses.append(ops.convert_to_numpy(batch_losses)[:number])
        logits, phone_logits, num_steps = logits[:number], phone_logits[:number], num_steps[:number]
        for example, rows, length in zip(examples, logits, num_steps, strict=True):
            log_probs = _log_softmax(rows[:length])
            hypothesis = greedy_decode(log_probs, run.alphabet, frame_seconds).text
            words += word_errors(example.text, hypothesis)
            characters += character_errors(example.text, hypothesis)
        for example, rows, length in zip(examples, phone_logits, num_steps, strict=True):
            if run.phones and example.phones is not None:
                log_probs = _log_softmax(rows[:length])
                hypothesis = greedy_decode(log_probs, run.phones, frame_seconds).text
                phones += word_errors(run.phones.decode(example.phones), hypothesis)
        between()
    return Validation(float(np.concatenate(losses).mean()), words, characters, phones)


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_probs: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return log_probs
