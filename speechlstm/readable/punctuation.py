"""Restores punctuation and case with a small bidirectional LSTM, without TensorFlow.

speechlstm.training.punctuation trains the network.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.arguments import StrPath
from speechlstm.errors import BundleError
from speechlstm.readable.features import NUM_BUCKETS, NUM_IDS, PAUSE_BOUNDS, pause_classes, word_ids
from speechlstm.readable.marked_text import CASES, MARKS, SENTENCE_ENDS
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import read_described
from speechlstm.tflite.tensor import TensorSpec

# Keys of the description inside the .tflite file.
LANGUAGE, MIXED_CASE, MARK_BIASES = "language", "mixed_case", "mark_biases"
_MAX_BIAS = 100.0
_MAX_WORD = 200  # the largest number of characters of a word in mixed case

# Long texts are processed in overlapping windows, so that time and memory are linear. For words
# near the ends of a window, which lack context, the results of its neighbour are used.
_WINDOW = 250
_CONTEXT = 25


def described_features() -> dict[str, Any]:
    """The input features and labels of the network, as in its description."""
    return {
        "num_buckets": NUM_BUCKETS,
        "num_ids": NUM_IDS,
        "pause_bounds": list(PAUSE_BOUNDS),
        "marks": list(MARKS),
        "cases": list(CASES),
    }


class Punctuator:
    """Predicts the punctuation mark after each word, and the word's case.

    Args:
        path: A .tflite file with the inputs ids (1, num_words, NUM_IDS) and pauses (1, num_words),
            both int32, and the output logits (1, num_words, num_marks + num_cases).

    Attributes:
        language: The language of the training text, such as "en".
        mixed_case: The spelling of words with inner capitals, by their recognised form.

    Raises:
        BundleError: The file cannot be read, is damaged, or has another kind of network.
    """

    def __init__(self, path: StrPath) -> None:
        self._path = path = Path(path)
        content, description = read_described(path)
        features = described_features()
        language, mixed_case = description.get(LANGUAGE), description.get(MIXED_CASE)
        biases = description.get(MARK_BIASES)
        if not (isinstance(language, str) and _is_table(mixed_case) and _are_biases(biases)):
            raise BundleError(path, "is not a punctuation network")
        if any(description.get(key) != value for key, value in features.items()):
            raise BundleError(
                path, "is for another version of speechlstm: its input features are others"
            )
        self.language: str = language
        self.mixed_case: Mapping[str, str] = mixed_case  # type: ignore[assignment]
        self._biases = np.array(biases, np.float32)
        self._model = TFLiteModel(
            path,
            {
                "ids": TensorSpec("int32", (1, None, NUM_IDS)),
                "pauses": TensorSpec("int32", (1, None)),
            },
            {"output_0": TensorSpec("float32", (1, None, len(MARKS) + len(CASES)))},
            content=content,
        )

    def restore(
        self, words: Sequence[str], pauses: Sequence[float | None]
    ) -> tuple[list[int], list[int]]:
        """The labels of the mark after each word and of the word's case.

        Args:
            words: The recognised words. A sentence ends after the last one.
            pauses: Seconds after each word, until the next one; None: not known.

        Raises:
            BundleError: LiteRT cannot run the network.
        """
        if not words:
            return [], []
        logits = self.logits(words, pauses)
        marks, cases = logits[:, : len(MARKS)] + self._biases, logits[:, len(MARKS) :]
        labels = marks.argmax(axis=1).tolist()
        labels[-1] = max(SENTENCE_ENDS, key=lambda label: marks[-1, label])
        return labels, cases.argmax(axis=1).tolist()

    def logits(self, words: Sequence[str], pauses: Sequence[float | None]) -> NDArray[np.float32]:
        """The network's output for each word, (num_words, num_marks + num_cases)."""
        ids, classes = word_ids(words), pause_classes(pauses)
        classes[-1:] = 0  # as in training
        parts, done = [], 0
        while done < len(words):
            start = max(0, done - _CONTEXT)
            end = min(len(words), start + _WINDOW)
            result = self._model.run(
                ids=ids[np.newaxis, start:end], pauses=classes[np.newaxis, start:end]
            )["output_0"][0]
            if len(result) != end - start:
                raise BundleError(self._path, "does not return one result for each word")
            last = end if end == len(words) else end - _CONTEXT
            parts.append(result[done - start : last - start])
            done = last
        logits: NDArray[np.float32] = np.nan_to_num(np.concatenate(parts))
        return logits


def _is_table(values: object) -> bool:
    return isinstance(values, dict) and all(
        isinstance(value, str) and len(key) <= _MAX_WORD and len(value) <= _MAX_WORD
        for key, value in values.items()
    )


def _are_biases(values: object) -> bool:
    """Whether there is a number for each mark, which is added to its logit."""
    return (
        isinstance(values, list)
        and len(values) == len(MARKS)
        and all(isinstance(value, int | float) and abs(value) <= _MAX_BIAS for value in values)
    )
