"""The usable utterances of a corpus, of which there may be a million."""

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from speechlstm.corpora.columns import Strings
from speechlstm.text.targets import min_steps


@dataclass(frozen=True)
class Example:
    """A usable utterance.

    Attributes:
        id: Id in its manifest; with a number in parentheses if an earlier utterance has it, too.
        index: Index of the recording in the cache.
        phones: Labels of the phones of the transcript; None if a word is not in the lexicon, or if
            there are more phones than CTC can align to the output frames.
        share: The share of epochs, in (0, 1], that have it.
    """

    id: str
    text: str
    labels: tuple[int, ...]
    index: int
    num_samples: int
    phones: tuple[int, ...] | None = None
    share: float = 1.0


class Examples(Sequence[Example]):
    """Usable utterances in columns; what one takes beyond its text and labels is 80 bytes.

    >>> examples = Examples([Example("a", "no", (2, 3), 0, 16000)])
    >>> examples[0].labels, examples.min_steps
    ((2, 3), array([2]))

    Attributes:
        ids: (num_examples,) id of each.
        num_samples: (num_examples,) number of samples of each.
        min_steps: (num_examples,) the number of output frames that CTC needs for each, for its
            characters and its phones.
        shares: (num_examples,) the share of epochs that have each.
    """

    def __init__(self, examples: Iterable[Example]) -> None:
        self.ids, self._texts = Strings[str](), Strings[str]()
        self._labels, self._phones = Strings[str](), Strings[str | None]()  # see _packed
        indices, num_samples, num_steps = array("q"), array("q"), array("q")
        shares = array("d")
        for example in examples:
            self.ids.append(example.id)
            self._texts.append(example.text)
            self._labels.append(_packed(example.labels))
            self._phones.append(None if example.phones is None else _packed(example.phones))
            shares.append(example.share)
            indices.append(example.index)
            num_samples.append(example.num_samples)
            needed = min_steps(example.labels)
            num_steps.append(max(needed, min_steps(example.phones)) if example.phones else needed)
        self._indices, self.num_samples, self.min_steps = (
            np.array(column, np.int64) for column in (indices, num_samples, num_steps)
        )

        self.shares = np.array(shares)

    def __len__(self) -> int:
        return len(self.ids)

    def digest(self) -> str:
        """A checksum of all of them."""
        digest = hashlib.sha256()
        for strings in (self.ids, self._texts, self._labels, self._phones):
            digest.update(repr(len(strings)).encode())
            for value in strings:
                digest.update(f"{value}\n".encode("utf-8", "surrogatepass"))
        for column in (self._indices, self.num_samples, self.shares):
            digest.update(column.tobytes())
        return digest.hexdigest()

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> "Examples": ...
    def __getitem__(self, index: int | slice) -> "Example | Examples":
        if isinstance(index, slice):
            return Examples(self[i] for i in range(*index.indices(len(self))))
        phones = self._phones[index]
        return Example(
            self.ids[index],
            self._texts[index],
            _unpacked(self._labels[index]),
            int(self._indices[index]),
            int(self.num_samples[index]),
            None if phones is None else _unpacked(phones),
            float(self.shares[index]),
        )


def _packed(labels: Iterable[int]) -> str:
    """Labels as characters: below 128, each takes a byte."""
    return "".join(map(chr, labels))


def _unpacked(labels: str) -> tuple[int, ...]:
    return tuple(map(ord, labels))
