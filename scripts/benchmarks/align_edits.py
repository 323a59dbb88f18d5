"""`speechlstm align` with texts that are not what is spoken: sentences more, fewer, moved.

    python scripts/benchmarks/align_edits.py MANIFEST... [--recordings 8] [--other TEXT]

Seven utterances of one speaker, with pauses of 0.4 s, are a recording; its text is edited. The
times of the words are those of each utterance with its own text. Of the words that are spoken, the
table has those within 0.5 s of their time, further away, and left out; of those that are not
spoken, those that are given a time nevertheless, and those left out. Where a sentence is written
twice or out of its order, one copy must be left out; another copy is not elsewhere.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from speechlstm import Audio, Transcript
from speechlstm.acoustic import AcousticModel, LiteRTAcousticModel
from speechlstm.audio import read_audio, split
from speechlstm.bundle import Bundle, default_bundle, read_bundle
from speechlstm.corpora.manifest import Manifest
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import DataError
from speechlstm.recognizer.aligning import align_segments
from speechlstm.text.normalize import normalize

SAMPLE_RATE = 16000
PAUSE = np.zeros(6400, np.float32)
UTTERANCES = 7
NEAR_SECONDS = 0.5
COLUMNS = ("in place", "elsewhere", "left out", "given a time", "left out, not spoken")

Times = tuple[float, float] | None  # of a word; None: it is not spoken
Text = list[tuple[str, Times]]


class Remembering(LiteRTAcousticModel):
    """A model whose output for the last segments is computed once."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(bundle)
        self._outputs: dict[bytes, NDArray[np.float32]] = {}

    def log_probs(self, audio: Audio) -> NDArray[np.float32]:
        """As of the model."""
        key = audio.samples.tobytes()
        if key not in self._outputs:
            self._outputs = dict([*self._outputs.items()][-20:])
            self._outputs[key] = super().log_probs(audio)
        return self._outputs[key]


@click.command(help=__doc__)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--recordings", default=8, show_default=True, help="Of each manifest.")
@click.option("--other", type=click.Path(path_type=Path), help="A text in another language.")
def main(manifests: tuple[Path, ...], recordings: int, other: Path | None) -> None:
    """Measure and print the table."""
    model = Remembering(read_bundle(default_bundle()))
    foreign: Text = [(word, None) for word in normalize(_read(other)).split()] if other else []
    for path in manifests:
        counts: dict[str, Counter[str]] = {}
        for number, (audio, sentences, spare) in enumerate(_joined(path, recordings, model)):
            for name, text in _edits(sentences, spare, foreign, random.Random(number)):
                counts.setdefault(name, Counter()).update(_counted(model, audio, [*chain(*text)]))
        print(f"| {path.parent.name} | {' | '.join(COLUMNS)} |\n|{'---|' * 6}")
        for name, row in counts.items():
            print(f"| {name} | {' | '.join(str(row[column]) for column in COLUMNS)} |")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _joined(
    path: Path, recordings: int, model: AcousticModel
) -> Iterator[tuple[Audio, list[Text], Text]]:
    """Recordings, the sentences in each, and a sentence of the speaker that is not in it."""
    manifest = Manifest(path)
    speakers: dict[str | None, list[Utterance]] = {}
    for utterance in manifest:
        if utterance.text and 2 < utterance.duration < 9:
            speakers.setdefault(utterance.speaker, []).append(utterance)
    pools = [pool for pool in speakers.values() if len(pool) > UTTERANCES]
    generator = np.random.default_rng(5)
    for number in range(recordings):
        pool = pools[number % len(pools)]
        *chosen, spare = (pool[i] for i in generator.permutation(len(pool))[: UTTERANCES + 1])
        samples, sentences, end = [], [], 0.0
        for utterance in chosen:
            audio = read_audio(manifest.recording(utterance), SAMPLE_RATE)
            own = align_segments([(0.0, audio)], model, normalize(utterance.text or ""), "one")
            sentences.append(_shifted(own, end))
            samples += [audio.samples, PAUSE]
            end += audio.duration + len(PAUSE) / SAMPLE_RATE
        unspoken: Text = [(word, None) for word in normalize(spare.text or "").split()]
        yield Audio(np.concatenate(samples), SAMPLE_RATE), sentences, unspoken


def _shifted(transcript: Transcript, seconds: float) -> Text:
    return [(w.text, (w.start + seconds, w.end + seconds)) for w in transcript.words]


def _edits(
    sentences: list[Text], spare: Text, foreign: Text, generator: random.Random
) -> Iterator[tuple[str, list[Text]]]:
    """Texts of a recording that has the sentences."""
    before, middle, after = sentences[:3], sentences[3], sentences[4:]
    half = len(middle) // 2
    yield "as it is spoken", sentences
    yield "two words more", [*before, middle[:half], spare[:2], middle[half:], *after]
    yield "five words more", [*before, middle[:half], spare[:5], middle[half:], *after]
    yield "a sentence more", [*before, spare, middle, *after]
    yield "three sentences more", [*before, spare * 3, middle, *after]
    yield "a sentence more at both ends", [spare, *sentences, spare]
    yield "five words fewer", [*before, middle[:half], middle[half + 5 :], *after]
    yield "a sentence fewer", [*before, *after]
    yield "two sentences only", sentences[2:4]
    yield "a sentence replaced", [*before, spare, *after]
    yield "a sentence twice", [*before, before[-1], middle, *after]
    yield "two sentences exchanged", [*before[:2], middle, before[2], *after]
    yield "one word in eight edited", [list(_worn(chain(*sentences), spare, generator))]
    if foreign:
        yield "another language", [foreign[: sum(map(len, sentences))]]


def _worn(
    text: Iterable[tuple[str, Times]], spare: Text, generator: random.Random
) -> Iterator[tuple[str, Times]]:
    """A text in which words are missing, replaced and added, 4 % each."""
    for word in text:
        edit = generator.random()
        if edit >= 0.08:
            yield word
        if 0.04 <= edit < 0.12:
            yield generator.choice(spare)


def _counted(model: AcousticModel, audio: Audio, text: Text) -> Counter[str]:
    """How many words are counted in each column."""
    written = " ".join(word for word, _ in text)
    try:
        words = align_segments(split(audio), model, written, "joined").words
    except DataError:  # no word is spoken, or they do not fit into the recording
        return Counter({COLUMNS[4]: len(text)})
    counts: Counter[str] = Counter()
    for word, (_, times) in zip(words, text, strict=True):
        if times is None:
            counts[COLUMNS[3] if word.is_spoken else COLUMNS[4]] += 1
        elif not word.is_spoken:
            counts[COLUMNS[2]] += 1
        else:
            error = max(abs(word.start - times[0]), abs(word.end - times[1]))
            counts[COLUMNS[error > NEAR_SECONDS]] += 1
    return counts


if __name__ == "__main__":
    main()
