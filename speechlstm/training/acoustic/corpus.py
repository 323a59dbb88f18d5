"""What of manifests can be trained on: decoded recordings and the labels of their texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import DataError, TrainingError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.lexicon import Lexicon
from speechlstm.text.normalize import normalize
from speechlstm.text.targets import encode_target, min_steps
from speechlstm.training.data.pcm_cache import PCMCache, open_cache


@dataclass(frozen=True)
class Example:
    """An utterance that can be trained on.

    Attributes:
        id: Its id in its manifest; where an earlier manifest has that too, numbered.
        text: Its normalised transcript.
        labels: The transcript's labels.
        index: Its place in the cache.
        num_samples: Its length.
        phones: Labels of the transcript's phones; None where they are not known or do not fit.
    """

    id: str
    text: str
    labels: tuple[int, ...]
    index: int
    num_samples: int
    phones: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Corpus:
    """What can be trained on of one or several manifests.

    Attributes:
        examples: The usable utterances.
        cache: Their samples.
        refused: What is wrong with each of the others; those without a text are not counted.
        phones: What the labels of their phones stand for; None: there are no such labels.
        noise: What may be added to them.
    """

    examples: tuple[Example, ...]
    cache: PCMCache
    refused: tuple[str, ...]
    phones: Alphabet | None = None
    noise: PCMCache | None = None


def derive_alphabet(manifests: Iterable[Manifest]) -> Alphabet:
    """The characters of the normalised transcripts.

    Raises:
        TrainingError: No utterance has a transcript.
    """
    texts = [normalize(u.text) for manifest in manifests for u in manifest if u.text]
    if not any(texts):
        raise TrainingError("no utterance of the training manifests has a transcript")
    return Alphabet.from_texts(texts)


def load_corpus(
    manifests: Sequence[Manifest],
    alphabet: Alphabet,
    settings: Settings,
    cache_folder: Path,
    progress: bool = False,
    dictionary: Lexicon | None = None,
) -> Corpus:
    """Decode the recordings of manifests and encode their transcripts, as characters and phones.

    Raises:
        ManifestError: A manifest cannot be read.
        TrainingError: No utterance is usable; the first refusals are named.
    """
    utterances = [(m.audio_path(u), u) for m in manifests for u in m if u.text is not None]
    cache = open_cache(
        [path for path, _ in utterances], settings.features.sample_rate, cache_folder, progress
    )
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
            phones = _phone_labels(text, dictionary, num_steps) if dictionary else None
            examples.append(Example(name, text, tuple(labels), index, num_samples, phones))
    if not examples:
        names = ", ".join(str(m.path) for m in manifests)
        first = "; ".join(refused[:3]) or "none has a transcript"
        raise TrainingError(f"{names}: no usable utterance: {first}")
    phone_alphabet = dictionary.alphabet if dictionary else None
    return Corpus(tuple(examples), cache, tuple(refused), phone_alphabet)


def _phone_labels(text: str, dictionary: Lexicon, num_steps: int) -> tuple[int, ...] | None:
    """Labels of a text's phones; None if a word is not known or the phones need more steps."""
    phones = dictionary.pronounce(text)
    if phones is None:
        return None
    labels = dictionary.alphabet.encode(phones)
    return tuple(labels) if min_steps(labels) <= num_steps else None


def num_steps_of(num_samples: int, settings: Settings) -> int:
    """Steps of the network for a recording of so many samples."""
    return settings.model.num_steps(settings.features.num_frames(num_samples))
