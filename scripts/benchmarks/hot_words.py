"""Hot words that are said and that are not: how many are found, how many transcripts change.

    python scripts/benchmarks/hot_words.py LIST.jsonl [LIST.jsonl ...]

From the references are drawn 200 hot words that are rare in the language model, those that no
lexicon has first, one of four with the word before it. From the lexicon are drawn 2,000 that no
reference holds: words, phrases of two, and words that no lexicon has, made of the halves of two.
The recordings are transcribed without hot words, with those that are said (all at once, then only
those of each recording), and with those that are not said, all at once, with each of the weights.
A search with the same candidates is not made twice.
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
_RARE = 5000  # words that are more probable than so many are no hot words


@dataclass(frozen=True)
class Heard:
    """A piece of a recording: what is said in it, and what the acoustic model makes of it."""

    reference: str
    log_probs: NDArray[np.float32]


@click.command(help=__doc__)
@click.argument("lists", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--bundle", type=click.Path(path_type=Path), help="Another than the package's.")
@click.option("--every", default=1, show_default=True, help="Take each n-th recording only.")
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
    """Measure and print."""
    contents = read_bundle(bundle or default_bundle())
    spec, acoustic = contents.decoder, contents.acoustic
    plain = DecoderAssembly(spec, acoustic.alphabet, acoustic.phones)
    model = LiteRTAcousticModel(contents, phones=plain.reads_phones)
    heard = [item for path in lists for item in read(path, model, every)]
    lexicon = list(plain.lexicon.words) if plain.lexicon else []
    lm_words = list(plain.ngrams.words) if plain.ngrams else []
    unigrams = plain.ngrams.unigram_log_probs if plain.ngrams else np.zeros(0)
    common = {lm_words[i] for i in np.argsort(-unigrams)[:_RARE]}
    generator = random.Random(seed)
    references = [item.reference.split() for item in heard]
    said = said_phrases(references, common, set(lexicon), num_said, generator)
    not_said = other_phrases(references, lexicon, num_not_said, generator)
    print(f"{len(heard)} recordings, {len(said)} hot words said, {len(not_said)} not said")

    hot_words = read_hot_words([*said, *not_said])
    hot_spec = replace(spec, config=replace(spec.config, hot_words=hot_words))
    assembly = DecoderAssembly(hot_spec, acoustic.alphabet, acoustic.phones)
    memory: dict[Any, Any] = {}

    def decoder(hot_words: Sequence[str], weight: float) -> BeamDecoder:
        given = read_hot_words(hot_words)
        config = replace(spec.config, hot_words=given, hot_word_weight=weight)
        settings = config, spec.neural_lm_config, spec.prior
        return remembering(assembly.with_settings(acoustic.frame_seconds, *settings).beam, memory)

    def texts(hot_words: Callable[[Heard], Sequence[str]], weight: float) -> list[str]:
        found, decoders = [], dict[tuple[str, ...], BeamDecoder]()
        for item in heard:
            given = tuple(hot_words(item))
            if given not in decoders:
                decoders = {given: decoder(given, weight)}
            beam = decoders[given]
            paths = beam.search(log_probs := beam.prepared(item.log_probs))
            found.append(beam.text(beam.with_hot_words(log_probs, paths)[0]))
            print(f"\r{len(found)}", end="", file=sys.stderr)
        return found

    without = texts(lambda item: (), 0.0)
    show("without hot words", heard, without, without, said)
    for weight in map(float, weights.split(",")):
        found = texts(lambda item: said, weight)
        show(f"said, weight {weight:g}, all at once", heard, without, found, said)
        found = texts(lambda item: [p for p in said if holds(item.reference, p)], weight)
        show(f"said, weight {weight:g}, those of each recording", heard, without, found, said)
        found = texts(lambda item: not_said, weight)
        show(f"not said, weight {weight:g}, all at once", heard, without, found, not_said)


def read(path: Path, model: LiteRTAcousticModel, every: int) -> list[Heard]:
    """Every n-th recording of a list that is heard in one piece."""
    heard = []
    manifest = Manifest(path)
    for utterance in list(manifest)[::every]:
        pieces = list(read_segments(manifest.path.parent / utterance.audio, model.sample_rate))
        if len(pieces) == 1:
            log_probs = model.log_probs(pieces[0][1])
            heard.append(Heard(normalize(utterance.text or ""), log_probs))
    return heard


def said_phrases(
    references: list[list[str]],
    common: set[str],
    lexicon: set[str],
    num_phrases: int,
    generator: random.Random,
) -> list[str]:
    """Rare words of the references, three of four alone, the others with the word before."""
    found: dict[str, None] = {}
    places = [(words, i) for words in references for i in range(len(words))]
    generator.shuffle(places)
    places.sort(key=lambda place: place[0][place[1]] in lexicon)  # stable: new words first
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
    """Words that no reference holds; one of five is a phrase, one of five is new."""
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


def remembering(beam: BeamDecoder, memory: dict[Any, Any]) -> BeamDecoder:
    """The same decoder; searches that another one has made are not made again."""
    search = beam.search

    def remembered(log_probs: NDArray[np.float32], spotted: Sequence[Any] = ()) -> Any:
        key = log_probs.tobytes(), tuple(spotted)
        if key not in memory:
            memory[key] = search(log_probs, spotted)
        return memory[key]

    beam.search = remembered  # type: ignore[method-assign]
    return beam


def holds(text: str, phrase: str) -> int:
    """How often a text holds a phrase, as whole words."""
    return f" {text.replace(' ', '  ')} ".count(f" {phrase.replace(' ', '  ')} ")


def show(
    name: str, heard: list[Heard], without: list[str], found: list[str], hot_words: list[str]
) -> None:
    """One line: hot words found of those said, those found that are not said, changes, errors."""
    counts: Counter[str] = Counter()
    for item, before, after in zip(heard, without, found, strict=True):
        errors = word_errors(item.reference, after)
        counts["words"] += len(item.reference.split())
        counts["errors"] += errors.substitutions + errors.deletions + errors.insertions
        counts["changed"] += before != after
        for phrase in hot_words:
            num_said, num_found = holds(item.reference, phrase), holds(after, phrase)
            counts["said"] += num_said
            counts["found"] += min(num_said, num_found)
            # What is heard wrongly without hot words is no fault of theirs.
            counts["false"] += max(0, num_found - max(num_said, holds(before, phrase)))
        if before != after and not any(holds(item.reference, p) for p in hot_words):
            print(f"    {before}\n -> {after}", file=sys.stderr)
    said = f"{counts['found']} of {counts['said']} found, " if counts["said"] else ""
    print(
        f"{name}: {said}{counts['false']} false alarms, {counts['changed']} transcripts changed, "
        f"WER {100 * counts['errors'] / counts['words']:.2f} %",
        flush=True,
    )


if __name__ == "__main__":
    main()
