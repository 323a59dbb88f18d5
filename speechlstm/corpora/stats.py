"""Statistics of a manifest: hours, speakers, characters, words."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.corpora.sentences import sentences_of
from speechlstm.text.normalize import normalize


@dataclass(frozen=True)
class ManifestStats:
    """Statistics of a manifest.

    Attributes:
        num_transcribed: The number of utterances with a text, which may be empty (silence).
        num_words: Words in the normalised texts.
        symbols: The count of each character in the normalised texts, the most frequent first.
    """

    num_utterances: int
    num_transcribed: int
    num_speakers: int
    total_seconds: float
    min_seconds: float
    median_seconds: float
    max_seconds: float
    num_words: int
    num_distinct_words: int
    symbols: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """The statistics as plain JSON values."""
        return asdict(self)

    def to_text(self) -> str:
        """The statistics as text to be read."""
        symbols = " ".join(f"{symbol!r} {count}" for symbol, count in self.symbols.items())
        return "\n".join(
            [
                f"Utterances  {self.num_utterances}, {self.num_transcribed} of them with a text",
                f"Speakers    {self.num_speakers}",
                f"Audio       {self.total_seconds / 3600:.2f} h; utterances of "
                f"{self.min_seconds:.2f} to {self.max_seconds:.2f} s, "
                f"half of them up to {self.median_seconds:.2f} s",
                f"Words       {self.num_words}, {self.num_distinct_words} distinct",
                f"Characters  {symbols}",
            ]
        )


def manifest_stats(manifest: Manifest) -> ManifestStats:
    """Compute the statistics of a manifest from its entries. No recording is decoded.

    Raises:
        ManifestError: As in iterating over the manifest.
    """
    return stats_of(manifest.utterances)


def stats_of(utterances: Sequence[Utterance]) -> ManifestStats:
    """The statistics of utterances, at least one."""
    seconds = array("d", (utterance.duration for utterance in utterances))
    num_transcribed = 0
    words, symbols = Counter[str](), Counter[str]()
    for utterance in utterances:
        if utterance.text is not None:
            text = normalize(utterance.text)
            num_transcribed += 1
            words.update(text.split())
            symbols.update(text)
    return ManifestStats(
        num_utterances=len(utterances),
        num_transcribed=num_transcribed,
        num_speakers=len({u.speaker for u in utterances if u.speaker is not None}),
        total_seconds=sum(seconds),
        min_seconds=min(seconds),
        median_seconds=median(seconds),
        max_seconds=max(seconds),
        num_words=words.total(),
        num_distinct_words=len(words),
        symbols=dict(symbols.most_common()),
    )


def count_words(path: Path) -> Counter[str]:
    """Count the words in a manifest (recognised by its suffix) or in a text (plain, .gz or .xz).

    >>> count_words(Path("data/samples/reading.txt")).most_common(1)
    [('the', 3)]

    Raises:
        DataError: The file cannot be read.
    """
    return Counter(word for sentence in sentences_of(path) for word in sentence.split())
