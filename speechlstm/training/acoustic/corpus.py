"""The usable utterances of manifests: decoded recordings with the labels of their transcripts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speechlstm.audio import Piece
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import DataError, TrainingError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.text.normalize import normalize
from speechlstm.text.targets import encode_target, min_steps
from speechlstm.training.data.pcm_cache import PCMCache, open_cache


@dataclass(frozen=True)
class Example:
    """A usable utterance.

    Attributes:
        id: Id in its manifest; with a number in parentheses if an earlier utterance has it, too.
        text: Normalised transcript.
        labels: Labels of the transcript.
        index: Index of the recording in the cache.
        num_samples: Number of samples of the recording.
        phones: Labels of the phones of the transcript; None if a word is not in the lexicon, or if
            there are more phones than CTC can align to the output frames.
    """

    id: str
    text: str
    labels: tuple[int, ...]
    index: int
    num_samples: int
    phones: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Corpus:
    """The usable utterances of one or several manifests.

    Attributes:
        examples: The usable utterances.
        cache: Their samples.
        refused: The reason why each of the other transcribed utterances is not usable.
        phones: The alphabet of the phone labels; None if there are none.
        noise: Recordings of noise for data augmentation; None if there are none.
    """

    examples: tuple[Example, ...]
    cache: PCMCache
    refused: tuple[str, ...]
    phones: Alphabet | None = None
    noise: PCMCache | None = None


def derive_alphabet(manifests: Iterable[Manifest]) -> Alphabet:
    """Return the alphabet of the characters in the normalised transcripts of manifests.

    Raises:
        TrainingError: No utterance has a transcript.
    """
    texts = [normalize(u.text) for manifest in manifests for u in manifest if u.text]
    if not any(texts):
        raise TrainingError(
            "no utterance of the training manifests has a transcript: add a text to their lines"
        )
    return Alphabet.from_texts(texts)


def load_corpus(
    manifests: Sequence[Manifest],
    alphabet: Alphabet,
    settings: Settings,
    cache_folder: Path,
    progress: bool = False,
    lexicon: Lexicon | None = None,
) -> Corpus:
    """Decode the recordings of manifests, and encode their transcripts as characters and phones.

    Args:
        manifests: The manifests; utterances without a text are ignored.
        alphabet: The alphabet of the character labels.
        settings: Sample rate, frame rate and frame stacking.
        cache_folder: The folder for decoded recordings; created if it is missing.
        progress: Whether to show a progress bar on stderr.
        lexicon: The pronunciations of words, for phone labels.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable; the message has the first reasons.
    """
    transcribed = transcribed_utterances(manifests)
    cache = open_cache(
        [path for path, _ in transcribed], settings.features.sample_rate, cache_folder, progress
    )
    try:
        return corpus_of(transcribed, cache, alphabet, settings, lexicon)
    except TrainingError as error:
        names = ", ".join(str(m.path) for m in manifests)
        raise TrainingError(f"{names}: {error}") from None


def transcribed_utterances(
    manifests: Iterable[Manifest],
) -> list[tuple[Path | Piece, Utterance]]:
    """The utterances of manifests that have a text, with their recordings.

    Raises:
        ManifestError: A manifest cannot be read.
    """
    return [(m.recording(u), u) for m in manifests for u in m if u.text is not None]


def corpus_of(
    utterances: Sequence[tuple[Path | Piece, Utterance]],
    cache: PCMCache,
    alphabet: Alphabet,
    settings: Settings,
    lexicon: Lexicon | None = None,
) -> Corpus:
    """Encode the transcripts of utterances as characters and phones.

    Args:
        utterances: The recordings, with their transcripts.
        cache: Their samples, in the same order.
        alphabet: The alphabet of the character labels.
        settings: Frame rate and frame stacking.
        lexicon: The pronunciations of words, for phone labels.

    Raises:
        TrainingError: No utterance is usable; the message has the first reasons.
    """
    examples: list[Example] = []
    occurrences: Counter[str] = Counter()
    refused = list(cache.failures.values())
    for index, (path, utterance) in enumerate(utterances):
        occurrences[utterance.id] += 1
        number = occurrences[utterance.id]
        name = utterance.id if number == 1 else f"{utterance.id} ({number})"
        if index in cache.failures:
            continue
        text, num_samples = normalize(utterance.text or ""), cache.num_samples[index]
        num_steps = num_steps_of(num_samples, settings)
        try:
            labels = encode_target(text, alphabet, num_steps, f"{path}")
        except DataError as error:
            refused.append(str(error))
        else:
            phones = _phone_labels(text, lexicon, num_steps) if lexicon else None
            examples.append(Example(name, text, tuple(labels), index, num_samples, phones))
    if not examples:
        first = "; ".join(refused[:3]) or "no utterance has a transcript"
        raise TrainingError(f"no usable utterance: {first}")
    phone_alphabet = lexicon.alphabet if lexicon else None
    return Corpus(tuple(examples), cache, tuple(refused), phone_alphabet)


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
