"""Sequences of a million strings or utterances, kept in columns instead of objects."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import isnan, nan
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from speechlstm.corpora.utterance import Utterance

_MISSING = b"\xff"  # in the place of None: no character has it in UTF-8


Text = TypeVar("Text", bound=str | None)


class Strings(Sequence[Text]):
    """Strings and None in one buffer of UTF-8, of which eight bytes more are kept for each.

    >>> strings = Strings(["yes", None, ""])
    >>> list(strings), strings[0]
    (['yes', None, ''], 'yes')
    """

    def __init__(self, values: Iterable[Text] = ()) -> None:
        self._buffer, self._ends = bytearray(), array("q", [0])
        for value in values:
            self.append(value)

    def append(self, value: Text) -> None:
        """Add a string at the end."""
        self._buffer += _MISSING if value is None else value.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._buffer))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[Text]:
        buffer = self._buffer
        for start, end in pairwise(self._ends):
            content = buffer[start:end]
            text: Any = None if content == _MISSING else content.decode(errors="surrogatepass")
            yield text

    def are_given(self) -> NDArray[np.bool_]:
        """Which of them are strings, not None.

        >>> Strings(["yes", None, ""]).are_given()
        array([ True, False,  True])
        """
        ends = np.array(self._ends)
        given = np.ones(len(self), bool)
        single = np.flatnonzero(np.diff(ends) == 1)
        given[single] = np.array(self._buffer)[ends[single]] != _MISSING[0]
        return given

    @overload
    def __getitem__(self, index: int) -> Text: ...
    @overload
    def __getitem__(self, index: slice) -> list[Text]: ...
    def __getitem__(self, index: int | slice) -> Text | list[Text]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        value: Text = self._string(self._ends[index], self._ends[index + 1])
        return value

    def _string(self, start: int, end: int) -> Any:
        content = self._buffer[start:end]
        return None if content == _MISSING else content.decode(errors="surrogatepass")


class Utterances(Sequence[Utterance]):
    """The utterances of a manifest: some 200 bytes each, where objects would take 700.

    >>> utterances = Utterances([Utterance("a1", "a1.wav", 1.5, "yes")])
    >>> utterances[0].text
    'yes'

    Attributes:
        ids, audio, durations, texts, speakers: What each utterance has.
        offsets: The offset of each; nan in the place of None.
    """

    def __init__(self, utterances: Iterable[Utterance]) -> None:
        self.ids, self.audio = Strings[str](), Strings[str]()
        self.texts, self.speakers = Strings[str | None](), Strings[str | None]()
        self.labels = Strings[str | None]()
        self.durations, self.offsets = array("d"), array("d")
        for utterance in utterances:
            self.ids.append(utterance.id)
            self.audio.append(utterance.audio)
            self.durations.append(utterance.duration)
            self.texts.append(utterance.text)
            self.speakers.append(utterance.speaker)
            self.offsets.append(nan if utterance.offset is None else utterance.offset)
            self.labels.append(utterance.label)

    def __len__(self) -> int:
        return len(self.durations)

    def __iter__(self) -> Iterator[Utterance]:
        return map(_utterance, *self._columns())

    @overload
    def __getitem__(self, index: int) -> Utterance: ...
    @overload
    def __getitem__(self, index: slice) -> list[Utterance]: ...
    def __getitem__(self, index: int | slice) -> Utterance | list[Utterance]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return _utterance(*(column[index] for column in self._columns()))

    def _columns(self) -> tuple[Sequence[Any], ...]:
        return (
            self.ids, self.audio, self.durations, self.texts, self.speakers, self.offsets,
            self.labels,
        )  # fmt: skip


def _utterance(
    name: str,
    audio: str,
    duration: float,
    text: str | None,
    speaker: str | None,
    offset: float,
    label: str | None,
) -> Utterance:
    known = None if isnan(offset) else offset
    return Utterance(name, audio, duration, text, speaker, known, label)
