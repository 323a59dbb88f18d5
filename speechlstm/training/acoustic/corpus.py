"""The usable utterances of manifests: decoded recordings with the labels of their transcripts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import compress
from math import ceil, isnan
from pathlib import Path
from typing import Any, overload

import numpy as np

from speechlstm.arguments import StrPath
from speechlstm.audio import Piece
from speechlstm.config import Settings
from speechlstm.corpora.check import DURATION_TOLERANCE, duration_fault, transcript_fault
from speechlstm.corpora.manifest import Manifest, Utterance, place_of
from speechlstm.errors import DataError, TrainingError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.text.normalize import normalize
from speechlstm.text.targets import encode_normalized, min_steps
from speechlstm.training.acoustic.examples import Example, Examples
from speechlstm.training.data.pcm_cache import PCMCache, open_cache
from speechlstm.training.data.waveforms import Decoded, Waveforms


@dataclass(frozen=True)
class Corpus:
    """The usable utterances of one or several manifests.

    Attributes:
        cache: Their samples.
        refused: The reason why each of the other transcribed utterances is not usable.
        phones: The alphabet of the phone labels; None if there are none.
        noise: Recordings of noise for data augmentation; None if there are none.
    """

    examples: Examples
    cache: Waveforms
    refused: tuple[str, ...]
    phones: Alphabet | None = None
    noise: PCMCache | None = None


def derive_alphabet(manifests: Iterable[Manifest]) -> Alphabet:
    """Return the alphabet of the characters in the normalised transcripts of manifests.

    Raises:
        TrainingError: No utterance has a transcript.
    """
    texts = (text for manifest in manifests for text in manifest.utterances.texts if text)
    characters: set[str] = set()
    for text in texts:
        characters.update(normalize(text))
    if not characters:
        raise TrainingError(
            "no utterance of the training manifests has a transcript: add a text to their lines"
        )
    return Alphabet.from_texts(characters)


def load_corpus(
    manifests: Sequence[Manifest],
    alphabet: Alphabet,
    settings: Settings,
    cache_folder: Path,
    progress: bool = False,
    lexicon: Lexicon | None = None,
    weights: Sequence[float] = (),
) -> Corpus:
    """Decode the recordings of manifests, and encode their transcripts as characters and phones.

    Args:
        manifests: The manifests; utterances without a text are ignored.
        settings: Sample rate, frame rate and frame stacking.
        cache_folder: The folder for decoded recordings; created if it is missing.
        lexicon: The pronunciations of words, for phone labels.
        weights: See Transcribed.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable; the message has the first reasons.
    """
    transcribed = Transcribed(manifests, weights)
    waveforms = open_waveforms(
        transcribed, transcribed.places(), transcribed.durations(), settings, cache_folder, progress
    )
    try:
        return corpus_of(transcribed, waveforms, alphabet, settings, lexicon)
    except TrainingError as error:
        names = ", ".join(str(m.path) for m in manifests)
        raise TrainingError(f"{names}: {error}") from None


def open_waveforms(
    utterances: Sequence[tuple[Path | Piece, Utterance]],
    places: Iterable[StrPath | Piece],
    durations: Iterable[float],
    settings: Settings,
    cache_folder: Path,
    progress: bool,
) -> Waveforms:
    """The samples of recordings, decoded into a cache, or when they are needed (training.cache).

    Args:
        utterances: The recordings, with what their manifests say of them.
        places: The recordings alone.
        durations: Their durations in the manifests; those of others are failures: they may be cut.
        settings: Whether to keep a cache, and its sample rate.
        cache_folder: Its folder; created if it is missing.
        progress: Whether to show a progress bar on stderr.
    """
    rate = settings.features.sample_rate
    if not settings.training.cache:
        return Decoded(utterances, rate)
    cache = open_cache(places, rate, cache_folder, progress)
    listed, found = np.fromiter(durations, float), np.array(cache.num_samples) / rate
    wrong = np.flatnonzero(np.abs(found - listed) > DURATION_TOLERANCE).tolist()
    faults = {
        index: f"{duration_fault(listed[index], utterances[index][0], found[index])}"
        for index in wrong
        if index not in cache.failures
    }
    return replace(cache, failures=cache.failures | faults)


class Transcribed(Sequence[tuple[Path | Piece, Utterance]]):
    """The utterances of manifests that have a text, with their recordings.

    Args:
        weights: How often an epoch has the utterances of each manifest; (): once.

    Raises:
        ManifestError: A manifest cannot be read.
    """

    def __init__(self, manifests: Iterable[Manifest], weights: Sequence[float] = ()) -> None:
        self._manifests = tuple(manifests)
        self._weights = weights or [1.0] * len(self._manifests)
        self._have_text = [m.utterances.texts.are_given() for m in self._manifests]
        places = [np.flatnonzero(have_text) for have_text in self._have_text]
        self._places = np.concatenate(  # the number of the manifest, and the index in it
            [np.stack((np.full(len(p), k), p), axis=1) for k, p in enumerate(places)]
        )

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[tuple[Path | Piece, Utterance]]:
        return (
            (manifest.recording(utterance), utterance)
            for manifest in self._manifests
            for utterance in manifest.utterances
            if utterance.text is not None
        )

    def texts(self) -> Iterator[tuple[str, str, float]]:
        """The id, the text and the weight of each."""
        for manifest, weight in zip(self._manifests, self._weights, strict=True):
            listed = manifest.utterances
            for name, text in zip(listed.ids, listed.texts, strict=True):
                if text is not None:
                    yield name, text, weight

    def places(self) -> Iterator[str | Piece]:
        """The recording of each, or its path."""
        for manifest, have_text in zip(self._manifests, self._have_text, strict=True):
            listed, folder = manifest.utterances, f"{manifest.folder}"
            columns = zip(listed.audio, listed.offsets, listed.durations, strict=True)
            for audio, offset, duration in compress(columns, have_text):
                path = place_of(audio, folder)
                yield path if isnan(offset) else Piece(Path(path), offset, duration)

    def durations(self) -> Iterator[float]:
        """The duration of each, as its manifest says."""
        for manifest, have_text in zip(self._manifests, self._have_text, strict=True):
            yield from compress(manifest.utterances.durations, have_text)

    @overload
    def __getitem__(self, index: int) -> tuple[Path | Piece, Utterance]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[Path | Piece, Utterance]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number, place = self._places[index].tolist()
        manifest = self._manifests[number]
        utterance = manifest.utterances[place]
        return manifest.recording(utterance), utterance


def corpus_of(
    utterances: Transcribed,
    cache: Waveforms,
    alphabet: Alphabet,
    settings: Settings,
    lexicon: Lexicon | None = None,
) -> Corpus:
    """Encode the transcripts of utterances as characters and phones.

    Args:
        utterances: The recordings, with their transcripts.
        cache: Their samples, in the same order.
        settings: Frame rate and frame stacking.
        lexicon: The pronunciations of words, for phone labels.

    Raises:
        TrainingError: No utterance is usable; the message has the first reasons.
    """
    refused = list(cache.failures.values())
    steps_of = lru_cache(partial(num_steps_of, settings=settings))

    def usable() -> Iterator[Example]:
        occurrences: Counter[str] = Counter()
        for index, (listed, transcript, weight) in enumerate(utterances.texts()):
            named = copies(listed, weight, occurrences)
            if index in cache.failures:
                continue
            text, num_samples = normalize(transcript), cache.num_samples[index]
            seconds = num_samples / settings.features.sample_rate
            if fault := transcript_fault(transcript, listed, seconds):
                recording, _ = utterances[index]
                refused.append(f"{recording}{str(fault).removeprefix(listed)}")
                continue
            num_steps = steps_of(num_samples)
            try:
                labels = tuple(encode_normalized(text, alphabet, num_steps, listed))
            except DataError as error:
                recording, _ = utterances[index]
                refused.append(f"{recording}{str(error).removeprefix(listed)}")
                continue
            phones = _phone_labels(text, lexicon, num_steps) if lexicon else None
            for name, share in named:
                yield Example(name, text, labels, index, num_samples, phones, share)

    examples = Examples(usable())
    if not examples:
        first = "; ".join(refused[:3]) or "no utterance has a transcript"
        raise TrainingError(f"no usable utterance: {first}")
    phone_alphabet = lexicon.alphabet if lexicon else None
    return Corpus(examples, cache, tuple(refused), phone_alphabet)


def copies(name: str, weight: float, occurrences: Counter[str]) -> list[tuple[str, float]]:
    """The name of each copy of an utterance in an epoch, and the share of epochs that have it.

    >>> copies("a", 1.5, Counter())
    [('a', 1.0), ('a (2)', 0.5)]

    Args:
        weight: How often an epoch has it.
        occurrences: The number of copies of each id so far, to which these are added.
    """
    before, num_copies = occurrences.get(name, 0), ceil(weight)
    occurrences[name] = before + num_copies
    if weight == 1 and not before:  # most of a million
        return [(name, 1.0)]
    numbers = range(before + 1, before + num_copies + 1)
    names = [name if number == 1 else f"{name} ({number})" for number in numbers]
    return [(each, min(1.0, weight - copy)) for copy, each in enumerate(names)]


def _phone_labels(text: str, lexicon: Lexicon, num_steps: int) -> tuple[int, ...] | None:
    """The labels of the phones of a text; None if a word is unknown or the phones are too many."""
    phones = lexicon.pronounce(text)
    if phones is None:
        return None
    labels = lexicon.alphabet.encode(phones)
    return tuple(labels) if min_steps(labels) <= num_steps else None


def num_steps_of(num_samples: int, settings: Settings) -> int:
    """The number of output frames of the network for a recording of `num_samples` samples.

    >>> num_steps_of(16000, Settings())
    34
    """
    return settings.model.num_steps(settings.features.num_frames(num_samples))
