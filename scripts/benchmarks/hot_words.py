"""Hot words of the recordings, and other ones: how many are found, how many transcripts change.

    python scripts/benchmarks/hot_words.py LIST.jsonl [LIST.jsonl ...]

Draws 200 hot words from the references: words that are rare in the language model, first of all
those that are not in the lexicon; one in four is a phrase with the previous word. Draws 2,000 other
hot words that are in no reference: words of the lexicon, phrases of two words, and invented words
made of the halves of two words. Transcribes the recordings without hot words, with those of the
references (all of them, then only those of the recording), and with all the others, with each
weight. A search with the same candidates is not repeated.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import read_segments
from speechlstm.bundle import default_bundle, read_bundle
from speechlstm.config import read_hot_words
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.assemble import DecoderAssembly
from speechlstm.decoding.beam import BeamDecoder
from speechlstm.evaluation.metrics import word_errors
from speechlstm.text.normalize import normalize

_MIN_LENGTH = 4  # letters of a hot word
_NUM_COMMON = 5000  # the most probable words, which are not drawn as hot words


@dataclass(frozen=True)
class Recording:
    """The reference and the log-probabilities of a recording."""

    reference: str
    log_probs: NDArray[np.float32]


@click.command(help=__doc__)
@click.argument("lists", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--bundle", type=click.Path(path_type=Path), help="By default that of the package.")
@click.option("--every", default=1, show_default=True, help="Use every n-th recording only.")
@click.option("--num-said", default=200, show_default=True)
@click.option("--num-not-said", default=2000, show_default=True)
@click.option("--weights", default="1,3,10", show_default=True)
@click.option("--seed", default=0, show_default=True)
def main(
    lists: tuple[Path, ...],
    bundle: Path | None,
    every: int,
    num_said: int,
    num_not_said: int,
    weights: str,
    seed: int,
) -> None:
    """Measure and print the figures."""
    contents = read_bundle(bundle or default_bundle())
    spec, acoustic = contents.decoder, contents.acoustic
    plain = DecoderAssembly(spec, acoustic.alphabet, acoustic.phones)
    model = LiteRTAcousticModel(contents, phones=plain.reads_phones)
    recordings = [recording for path in lists for recording in read(path, model, every)]
    lexicon = list(plain.lexicon.words) if plain.lexicon else []
    lm_words = list(plain.ngrams.words) if plain.ngrams else []
    unigrams = plain.ngrams.unigram_log_probs if plain.ngrams else np.zeros(0)
    common = {lm_words[i] for i in np.argsort(-unigrams)[:_NUM_COMMON]}
    generator = random.Random(seed)
    references = [recording.reference.split() for recording in recordings]
    said = said_phrases(references, common, set(lexicon), num_said, generator)
    not_said = other_phrases(references, lexicon, num_not_said, generator)
    print(
        f"{len(recordings)} recordings, {len(said)} hot words of the references, "
        f"{len(not_said)} others"
    )

    hot_words = read_hot_words([*said, *not_said])
    hot_spec = replace(spec, config=replace(spec.config, hot_words=hot_words))
    assembly = DecoderAssembly(hot_spec, acoustic.alphabet, acoustic.phones)
    cache: dict[Any, Any] = {}

    def decoder(hot_words: Sequence[str], weight: float) -> BeamDecoder:
        given = read_hot_words(hot_words)
        config = replace(spec.config, hot_words=given, hot_word_weight=weight)
        settings = config, spec.neural_lm_config, spec.prior
        return with_cache(assembly.with_settings(acoustic.frame_seconds, *settings).beam, cache)

    def texts(hot_words: Callable[[Recording], Sequence[str]], weight: float) -> list[str]:
        found, decoders = [], dict[tuple[str, ...], BeamDecoder]()
        for recording in recordings:
            given = tuple(hot_words(recording))
            if given not in decoders:
                decoders = {given: decoder(given, weight)}
            beam = decoders[given]
            paths = beam.search(log_probs := beam.prepared(recording.log_probs))
            found.append(beam.text(beam.with_hot_words(log_probs, paths)[0]))
            print(f"\r{len(found)}", end="", file=sys.stderr)
        return found

    without = texts(lambda recording: (), 0.0)
    show("without hot words", recordings, without, without, said)
    for weight in map(float, weights.split(",")):
        found = texts(lambda recording: said, weight)
        show(f"of the references, weight {weight:g}, all", recordings, without, found, said)
        found = texts(lambda recording: [p for p in said if count(recording.reference, p)], weight)
        name = f"of the references, weight {weight:g}, those of the recording"
        show(name, recordings, without, found, said)
        found = texts(lambda recording: not_said, weight)
        show(f"others, weight {weight:g}, all", recordings, without, found, not_said)


def read(path: Path, model: LiteRTAcousticModel, every: int) -> list[Recording]:
    """Compute the log-probabilities of every n-th recording of a list that is a single segment."""
    recordings = []
    manifest = Manifest(path)
    for utterance in list(manifest)[::every]:
        pieces = list(read_segments(manifest.recording(utterance), model.sample_rate))
        if len(pieces) == 1:
            log_probs = model.log_probs(pieces[0][1])
            recordings.append(Recording(normalize(utterance.text or ""), log_probs))
    return recordings


def said_phrases(
    references: list[list[str]],
    common: set[str],
    lexicon: set[str],
    num_phrases: int,
    generator: random.Random,
) -> list[str]:
    """Draw rare words of the references; one in four is a phrase with the previous word."""
    found: dict[str, None] = {}
    places = [(words, i) for words in references for i in range(len(words))]
    generator.shuffle(places)
    places.sort(key=lambda place: place[0][place[1]] in lexicon)  # unknown words come first
    for words, i in places:
        word = words[i]
        is_plain = word.isascii() and word.replace("'", "").isalpha()
        if len(word) < _MIN_LENGTH or not is_plain or word in common:
            continue
        if len(found) == num_phrases:
            break
        with_one_before = i and len(found) % 4 == 3
        before = words[i - 1] if with_one_before else ""
        if before.isascii() and before.replace("'", "").isalpha():
            word = f"{before} {word}"
        found[word] = None
    return list(found)


def other_phrases(
    references: list[list[str]], lexicon: list[str], num_phrases: int, generator: random.Random
) -> list[str]:
    """Draw words that are in no reference; one in five is a phrase, one in five is invented."""
    used = {word for words in references for word in words}
    known = set(lexicon)
    plain = [w for w in lexicon if len(w) >= _MIN_LENGTH and w.isalpha() and w not in used]
    found: dict[str, None] = {}
    while len(found) < num_phrases:
        first, second = generator.sample(plain, 2)
        kind = len(found) % 5
        new = first[: -(len(first) // 2)] + second[len(second) // 2 :]
        phrase = f"{first} {second}" if kind == 3 else new if kind == 4 else first
        if kind != 4 or (new not in known and new not in used):
            found[phrase] = None
    return list(found)


def with_cache(beam: BeamDecoder, cache: dict[Any, Any]) -> BeamDecoder:
    """Let a decoder reuse the searches of other decoders with the same inputs."""
    uncached = beam.search

    def cached_search(
        log_probs: NDArray[np.float32], spotted: Sequence[Any] = (), search: None = None
    ) -> Any:
        key = log_probs.tobytes(), tuple(spotted)
        if key not in cache:
            cache[key] = uncached(log_probs, spotted)
        return cache[key]

    beam.search = cached_search  # type: ignore[method-assign,assignment]
    return beam


def count(text: str, phrase: str) -> int:
    """The number of times that a phrase is in a text, as whole words."""
    return f" {text.replace(' ', '  ')} ".count(f" {phrase.replace(' ', '  ')} ")


def show(
    name: str,
    recordings: list[Recording],
    without: list[str],
    found: list[str],
    hot_words: list[str],
) -> None:
    """Print hot words found, false alarms, changed transcripts and the WER in one line."""
    counts: Counter[str] = Counter()
    for recording, before, after in zip(recordings, without, found, strict=True):
        errors = word_errors(recording.reference, after)
        counts["words"] += len(recording.reference.split())
        counts["errors"] += errors.substitutions + errors.deletions + errors.insertions
        counts["changed"] += before != after
        for phrase in hot_words:
            num_said, num_found = count(recording.reference, phrase), count(after, phrase)
            counts["said"] += num_said
            counts["found"] += min(num_said, num_found)
            # An error that the decoder makes without hot words, too, is not a false alarm.
            counts["false"] += max(0, num_found - max(num_said, count(before, phrase)))
        if before != after and not any(count(recording.reference, p) for p in hot_words):
            print(f"    {before}\n -> {after}", file=sys.stderr)
    hits = f"{counts['found']} of {counts['said']} found, " if counts["said"] else ""
    print(
        f"{name}: {hits}{counts['false']} false alarms, {counts['changed']} transcripts changed, "
        f"WER {100 * counts['errors'] / counts['words']:.2f} %",
        flush=True,
    )


if __name__ == "__main__":
    main()
