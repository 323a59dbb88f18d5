"""`Diarizer`: tells the speakers of a recording apart."""

import math
from collections.abc import Sequence
from importlib.util import find_spec

from speechlstm.arguments import StrPath, accepts, plain
from speechlstm.audio import Audio
from speechlstm.diarization.clustering import with_speakers
from speechlstm.diarization.embedding import Embedder, load_embedder
from speechlstm.diarization.windows import Window, spans
from speechlstm.errors import ConfigError, MissingDependencyError, quoted
from speechlstm.transcript import Word

MAX_SPEAKERS = 100


class Diarizer:
    """Tells apart who speaks, given the words of a recording. Threads may share one.

    Where two speak at once, one of them is found.

    Args:
        num_speakers: The number of speakers; None: it is found out.

    Raises:
        ConfigError: The number is not in 1 to MAX_SPEAKERS.
    """

    def __init__(self, embedder: Embedder, num_speakers: int | None = None) -> None:
        number = plain(num_speakers)
        if number is not None and not (accepts(int, number) and 1 <= number <= MAX_SPEAKERS):
            raise ConfigError(
                f'speakers: must be "auto" or a number from 1 to {MAX_SPEAKERS}, is '
                f"{quoted(num_speakers)}"
            )
        self._embedder, self._num_speakers = embedder, number

    @classmethod
    def load(cls, bundle: StrPath | None = None, num_speakers: int | None = None) -> "Diarizer":
        """Load what computes embeddings.

        Args:
            bundle: A classifier of speakers; None: the network of this package.
            num_speakers: As in the constructor.

        Raises:
            BundleError: The bundle is missing, damaged or no classifier.
            ConfigError: The number is out of range.
            MissingDependencyError: scikit-learn is not installed.
        """
        if find_spec("sklearn") is None:  # said before the work
            raise MissingDependencyError("sklearn")
        return cls(load_embedder(bundle), num_speakers)

    def windows(self, audio: Audio, words: Sequence[Word]) -> list[Window]:
        """The voices in a segment.

        Args:
            audio: The segment, of any sample rate.
            words: Its words, with times in seconds from its start.

        Raises:
            BundleError: The network cannot be run.
        """
        rate = self._embedder.sample_rate
        samples = audio.levelled().resampled(rate).samples
        found = []
        for start, end in spans(words):
            cut = samples[math.floor(start * rate) : math.ceil(end * rate)]
            if len(cut) >= self._embedder.least_samples:
                found.append(Window(start, end, self._embedder.embed(Audio(cut, rate))))
        return found

    def with_speakers(self, words: Sequence[Word], windows: Sequence[Window]) -> tuple[Word, ...]:
        """The words of a recording with the numbers of their speakers, from 1.

        Args:
            words: The words, in the order of time.
            windows: The windows of all segments, with times as those of the words.
        """
        return with_speakers(
            words, windows, self._embedder.threshold, self._num_speakers, self._embedder.variances
        )
