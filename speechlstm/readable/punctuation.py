"""Restores marks and case by a small bidirectional LSTM, without TensorFlow.

The network is made by speechlstm.training.punctuation.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import BundleError
from speechlstm.readable.features import (
    NUM_BUCKETS,
    NUM_IDS,
    PAUSE_BOUNDS,
    pause_classes,
    word_ids,
)
from speechlstm.readable.marked_text import CASES, MARKS, SENTENCE_ENDS
from speechlstm.tflite.interpreter import TFLiteModel
from speechlstm.tflite.metadata import read_described
from speechlstm.tflite.tensor import TensorSpec

LANGUAGE, MIXED_CASE = "language", "mixed_case"  # keys of the network's description
_MAX_WORD = 200  # characters of a word in mixed case

# Long texts are read in windows, so that time and memory are linear; of each, the words near its
# ends, which lack what stands before or after them, are another window's.
_WINDOW = 160
_CONTEXT = 30


def described_features() -> dict[str, Any]:
    """What the network reads and gives, as its description has it."""
    return {
        "num_buckets": NUM_BUCKETS,
        "num_ids": NUM_IDS,
        "pause_bounds": list(PAUSE_BOUNDS),
        "marks": list(MARKS),
        "cases": list(CASES),
    }


class Punctuator:
    """Says which mark follows each word, and how it is written.

    Args:
        path: The network, a .tflite file: ids (1, num_words, NUM_IDS) and pauses (1, num_words)
            int32 in, logits (1, num_words, num_marks + num_cases) out.

    Attributes:
        language: Of the text it has learnt from, as in "en".
        mixed_case: How words are written that have capitals inside, by how they are recognised.

    Raises:
        BundleError: The file cannot be read, is damaged, or holds another kind of network.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        content, description = read_described(path)
        features = described_features()
        language, mixed_case = description.get(LANGUAGE), description.get(MIXED_CASE)
        if not isinstance(language, str) or not _is_table(mixed_case):
            raise BundleError(path, "is no network for punctuation")
        if any(description.get(key) != value for key, value in features.items()):
            raise BundleError(path, "reads words otherwise than this version of speechlstm")
        self.language: str = language
        self.mixed_case: Mapping[str, str] = mixed_case  # type: ignore[assignment]
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
        """The label of the mark after each word, and that of its case.

        Args:
            words: As they are recognised. The last one ends a sentence.
            pauses: Seconds after each word, up to the next; None: not known.

        Raises:
            BundleError: LiteRT cannot run the network.
        """
        if not words:
            return [], []
        logits = self.logits(words, pauses)
        marks, cases = logits[:, : len(MARKS)], logits[:, len(MARKS) :]
        found = marks.argmax(axis=1).tolist()
        found[-1] = max(SENTENCE_ENDS, key=lambda label: marks[-1, label])
        return found, cases.argmax(axis=1).tolist()

    def logits(self, words: Sequence[str], pauses: Sequence[float | None]) -> NDArray[np.float32]:
        """(num_words, num_marks + num_cases), what the network gives for each word."""
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
                raise BundleError(self._path, "gives other than one result for each word")
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
