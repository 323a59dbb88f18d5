"""The samples of recordings, decoded anew each time: for corpora that do not fit on the disk."""

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speechlstm.audio import Piece, read_audio
from speechlstm.corpora.check import duration_fault
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import AudioError, TrainingError
from speechlstm.training.data.pcm_cache import in_floats, in_integers


class Waveforms(Protocol):
    """The samples of a list of recordings: a PCMCache, or Decoded."""

    @property
    def num_samples(self) -> Sequence[int]:
        """(num_recordings,) number of samples of each recording."""

    @property
    def failures(self) -> dict[int, str]:
        """The reason why a recording has no samples, by its index."""

    def waveform(self, index: int) -> NDArray[np.float32]:
        """The samples of a recording, (num_samples,) float32 in [-1, 1]."""


class Decoded:
    """Recordings that are decoded when their samples are needed, which equal those of a PCMCache.

    They must be as long as their manifests say; what rounding makes longer or shorter is cut or
    padded.

    Attributes:
        num_samples: See Waveforms.
        failures: See Waveforms; of those recordings whose samples have been needed.
    """

    def __init__(
        self, utterances: Sequence[tuple[Path | Piece, Utterance]], sample_rate: int
    ) -> None:
        self._utterances, self._sample_rate = utterances, sample_rate
        self.num_samples = array("q", (round(u.duration * sample_rate) for _, u in utterances))
        self.failures: dict[int, str] = {}

    def waveform(self, index: int) -> NDArray[np.float32]:
        """The samples of a recording, (num_samples,) float32 in [-1, 1].

        Silence if it cannot be decoded, or if its manifest has another duration; `failures` then
        has the reason.

        Raises:
            TrainingError: This is so for all recordings.
        """
        wanted = self.num_samples[index]
        try:
            samples = self._decoded(index)
        except AudioError as error:
            self.failures[index] = f"{error}"
            if len(self.failures) == len(self.num_samples):
                raise TrainingError(f"no usable utterance: {error}") from None
            return np.zeros(wanted, np.float32)
        samples = np.pad(samples[:wanted], (0, max(0, wanted - len(samples))))
        return in_floats(in_integers(samples))

    def _decoded(self, index: int) -> NDArray[np.float32]:
        recording, utterance = self._utterances[index]
        audio = read_audio(recording, self._sample_rate)
        if fault := duration_fault(utterance.duration, recording, audio.duration):
            raise fault
        return audio.samples
