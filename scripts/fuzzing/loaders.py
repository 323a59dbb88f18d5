"""The loaders, and the generators of their inputs: an input is a file or a folder."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator

from fuzzing import corpora, kept, recordings, reports, samples, speech, training
from fuzzing.models import damaged_model
from fuzzing.mutate import HOSTILE, changed_json, damaged, spliced
from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio, read_duration, read_segments
from speechlstm.bundle import read_bundle, read_classifier
from speechlstm.classification import LiteRTClassifier
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.diarization import embedding
from speechlstm.evaluation.transcript_files import read_transcript_file
from speechlstm.lm.lstm import LSTMLanguageModel
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.text import read_sentences
from speechlstm.readable.writer import ReadableWriter
from speechlstm.recognizer import Recognizer
from speechlstm.text.alphabet import ENGLISH
from speechlstm.text.g2p import G2PModel
from speechlstm.text.lexicon import Lexicon
from speechlstm.text.normalize import normalize
from speechlstm.transcript import Word
from speechlstm.transcript.formats import to_json
from speechlstm.transcript.rttm import read_rttm


@dataclass(frozen=True)
class Loader:
    """A loader and the generator of its inputs.

    Attributes:
        make: Writes an input into an empty folder; returns the file or folder to load.
        load: Loads the input, and uses it so that all of it is read.
        share: Share of the time, relative to the other loaders.
    """

    make: Callable[[Generator, Path], Path]
    load: Callable[[Path], object]
    share: float = 1.0


def _models(*names: str) -> Callable[[Generator, Path], Path]:
    def make(rng: Generator, folder: Path) -> Path:
        name = names[rng.integers(len(names))]
        path = folder / f"{name}.tflite"
        path.write_bytes(damaged_model(rng, *samples.model(name)))
        return path

    return make


def _bytes(**contents: Callable[[], bytes]) -> Callable[[Generator, Path], Path]:
    """A generator of damaged files; a double underscore in a name stands for a dot."""
    names = tuple(contents)

    def make(rng: Generator, folder: Path) -> Path:
        name = names[rng.integers(len(names))]
        path = folder / name.replace("__", ".")
        path.write_bytes(damaged(rng, contents[name]()))
        return path

    return make


def _text(name: str, *texts: str) -> Callable[[Generator, Path], Path]:
    def make(rng: Generator, folder: Path) -> Path:
        text = texts[rng.integers(len(texts))]
        (folder / name).write_bytes(spliced(rng, text.encode(), HOSTILE))
        return folder / name

    return make


def _make_ngrams(rng: Generator, folder: Path) -> Path:
    path = folder / "a.lm"
    path.write_bytes(samples.damaged_ngrams(rng))
    return path


def _make_lexicon(rng: Generator, folder: Path) -> Path:
    path = folder / "a.tree"
    path.write_bytes(samples.damaged_lexicon(rng))
    return path


def _make_manifest(rng: Generator, folder: Path) -> Path:
    path = folder / ("a.csv" if rng.random() < 0.2 else "a.jsonl")
    lines = samples.manifest_lines(path.suffix)
    for name in "abc":
        (folder / f"{name}.wav").write_bytes(recordings.sound())
    if path.suffix == ".jsonl" and rng.random() < 0.6:
        changed = [changed_json(rng, json.loads(line)) for line in lines]
        path.write_text("".join(f"{json.dumps(values)}\n" for values in changed))
    else:
        path.write_bytes(spliced(rng, "\n".join(lines).encode(), HOSTILE))
    return path


def _load_acoustic(path: Path) -> None:
    model = LiteRTAcousticModel(read_bundle(path))
    for num_samples in (1600, 700):
        audio = Audio(np.linspace(-0.5, 0.5, num_samples, dtype=np.float32), model.sample_rate)
        model.log_probs(audio)


def _load_language_model(path: Path) -> None:
    model = LSTMLanguageModel(path)
    model.sentence_log_probs([["a", "cat"], ["the", "hat", "zebra"]])


def _load_punctuator(path: Path) -> None:
    writer = ReadableWriter(path)
    for number in (1, 40):
        words = [Word("five", 0.2 * k, 0.2 * k + 0.1, 0.5) for k in range(number)]
        writer.tokens(words)


def _load_classifier(path: Path) -> None:
    model = LiteRTClassifier(read_classifier(path))
    model.outputs(Audio(np.linspace(-0.5, 0.5, 1600, dtype=np.float32), model.sample_rate))


def _load_speakers(path: Path) -> None:
    embedding.ASSET = path
    model = embedding.VoiceModel()
    model.embed(Audio(np.linspace(-0.5, 0.5, 8000, dtype=np.float32), model.sample_rate))


def _load_ngrams(path: Path) -> None:
    openers = (NGramModel.load, NGramModel.open) if path.suffix == ".lm" else (NGramModel.load,)
    for model in (opener(path) for opener in openers):
        model.sentence_log_probs([["a", "hat"], ["bat", "zebra", "a"]])
        states = np.arange(min(model.num_states, 50))
        model.search(states, np.zeros(len(states), np.int32))
        _ = model.unigram_log_probs


def _load_bundle(path: Path) -> None:
    recognizer = Recognizer.load(path, readable=None)
    audio = samples.waveform_of("a hat", recognizer.model.sample_rate)
    to_json("a.wav", recognizer.transcribe(audio))


def _load_audio(path: Path) -> None:
    read_duration(path)
    for _, _ in read_segments(path, 16000):
        pass


def _load_manifest(path: Path) -> None:
    manifest = Manifest(path)
    for entry in manifest.entries():
        if isinstance(entry, Exception):
            raise entry
        normalize(entry.text or "")
        if entry.audio.endswith(".wav"):
            read_duration(manifest.recording(entry))


def _load_sentences(path: Path) -> None:
    for sentence in read_sentences(path):
        normalize(sentence)


LOADERS: Mapping[str, Loader] = {
    "audio": Loader(recordings.make, _load_audio, 2.0),
    "bundle": Loader(samples.make_bundle, _load_bundle, 2.0),
    "acoustic.tflite": Loader(
        _models("levels", "recurrent", "everywhere", "model"), _load_acoustic, 2.0
    ),
    "lm.tflite": Loader(_models("language_model", "rescorer"), _load_language_model, 2.0),
    "g2p.tflite": Loader(
        _models("pronouncer"), lambda path: G2PModel(path).pronounce("fuzzing"), 2.0
    ),
    "punctuator.tflite": Loader(_models("punctuator"), _load_punctuator, 2.0),
    "classifier.tflite": Loader(_models("loudness"), _load_classifier),
    "speakers.tflite": Loader(_models("speakers"), _load_speakers),
    "packed n-grams": Loader(_make_ngrams, _load_ngrams),
    "ARPA": Loader(_text("a.arpa", samples.ARPA), _load_ngrams),
    "packed lexicon": Loader(_make_lexicon, lambda path: LexiconTree.load(path, ENGLISH)),
    "dictionary": Loader(
        _text("a.dict", samples.DICTIONARY), lambda path: Lexicon.read(path).alphabet
    ),
    "manifest": Loader(_make_manifest, _load_manifest),
    "settings": Loader(_text("a.toml", samples.SETTINGS), Settings.read),
    "transcripts": Loader(
        _text("a.txt", *samples.TRANSCRIPTS), lambda path: read_transcript_file(path).ids()
    ),
    "text": Loader(_text("a.txt", samples.TEXT), _load_sentences),
    "compressed text": Loader(
        _bytes(a__txt__gz=samples.gzipped_text, a__txt__xz=samples.xz_text), _load_sentences
    ),
    "phrases": Loader(_text("a.txt", speech.PHRASES), speech.load_phrases),
    "hot words": Loader(_text("a.txt", speech.HOT_WORDS), speech.load_hot_words),
    "subtitles": Loader(_text("a.srt", *speech.SUBTITLES), speech.load_subtitles),
    "messages of streams": Loader(speech.make_messages, speech.load_messages),
    "samples of streams": Loader(speech.make_samples, speech.load_samples),
    "archive": Loader(corpora.make_archive, corpora.load_archive),
    "corpus": Loader(corpora.make_corpus, corpora.load_corpus),
    "reports": Loader(reports.make, reports.load),
    "turns": Loader(_text("a.rttm", reports.TURNS), read_rttm),
    "entities": Loader(_text("a.txt", reports.ENTITIES), reports.load_entities),
    "run folder": Loader(training.make, training.load, 3.0),
    "run of a language model": Loader(kept.make_language_run, kept.load_language_run),
    "run for punctuation": Loader(kept.make_punctuation_run, kept.load_punctuation_run),
    "cache": Loader(kept.make_cache, kept.load_cache),
    "shards": Loader(kept.make_shards, kept.load_shards),
}
