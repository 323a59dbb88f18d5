"""The first step: from a folder or manifest to a training and a held-out manifest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from speechlstm.audio import AUDIO_SUFFIXES
from speechlstm.bundle import AcousticSpec
from speechlstm.config import Settings
from speechlstm.corpora.build import build_manifest, texts_alone
from speechlstm.corpora.check import transcript_fault
from speechlstm.corpora.manifest import (
    SHARD_LIST,
    Manifest,
    Utterance,
    recording_of,
    write_manifest,
)
from speechlstm.corpora.split import itself, split_manifest, units_of, voice_of
from speechlstm.errors import DataError, TrainingError, counted, printable
from speechlstm.storage import without_query, write_atomically
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.normalize import normalize
from speechlstm.text.targets import encode_target
from speechlstm.training.adaptation.alphabet import choose_alphabet
from speechlstm.training.adaptation.work import Work
from speechlstm.training.data.pcm_cache import PCMCache, open_cache

MIN_UTTERANCES = 8
_SILENT = 1e-3  # largest sample of a silent recording, -60 dB
_SHARE = 0.2  # that is held out of less than half an hour of speech; of more, half of this
_MAX_HELD_OUT = 480.0  # seconds; more would take time and hardly narrow the intervals
_MIN_SPEAKERS = 5  # with fewer, none is held out
_FEW_WORDS = 200  # with a WER of 10 %, its interval then reaches 5 points to either side
_SEED = 1
_MINUTE, _HOUR = 60.0, 3600.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class UsableRecordings:
    """The recordings that can be used.

    Attributes:
        utterances: Their texts are normalised; audio paths are relative to the work folder.
        reasons: The reason for each recording or text that is left out.
    """

    utterances: list[Utterance]
    reasons: list[str]

    @property
    def seconds(self) -> float:
        """The duration of all utterances."""
        return sum(utterance.duration for utterance in self.utterances)


def prepare(
    recordings: Path, work: Work, base: AcousticSpec, report: Report, progress: bool
) -> None:
    """Write the alphabet, the training and the held-out manifest into the work folder.

    Args:
        recordings: A folder or a manifest.
        base: The acoustic model to start from.
        report: Called with lines of text: what is left out, advice on the amount of speech.

    Raises:
        DataError: No recording can be used.
        TrainingError: There are too few recordings.
    """
    found = gather(recordings, work.path, report)
    report(f"decoding {counted(len(found.utterances), 'recording')}")
    found = decode(found, work, base.features.sample_rate, progress)
    if not found.utterances:
        raise TrainingError(f"{recordings}: no recording can be used: {_first(found.reasons)}")
    if num_silent := sum(not utterance.text for utterance in found.utterances):
        report(f"{counted(num_silent, 'recording')} with an empty text: taken for silence")
    choice = choose_alphabet(found.utterances, base.alphabet)
    report(choice.reason)
    work.write("language.json", {"symbols": choice.alphabet.symbols})
    found = replace(found, utterances=choice.utterances)
    settings = Settings(features=base.features, model=base.network)
    found = feasible(found, choice.alphabet, settings)
    split(found, work, report)
    if advice := _advice(found.seconds, choice.alphabet == base.alphabet):
        report(advice)


def _advice(seconds: float, same_labels: bool) -> str:
    """Advice on a small or a large amount of speech; empty if it is as usual."""
    if not same_labels and seconds < _HOUR:
        return (
            f"only {seconds / _MINUTE:.0f} min of speech for another alphabet: expect more than "
            "half of the words to be wrong; record hours if you can"
        )
    if seconds < _MINUTE:
        return (
            f"only {seconds:.0f} s of speech: words of its texts will be recognised more often, "
            "the speaker's voice hardly better; ten minutes or more make the difference"
        )
    if seconds > 10 * _HOUR:
        return (
            f"{seconds / _HOUR:.0f} h of speech: learning takes long on processors; for GPUs and "
            "several machines see speechlstm train"
        )
    return ""


def gather(recordings: Path, folder: Path, report: Report) -> UsableRecordings:
    """The transcribed recordings of a folder or manifest; durations are those of their headers.

    Args:
        recordings: A folder, searched as by `speechlstm manifest build`, or a manifest, or a folder
            of shards.
        folder: The folder to which the paths of the result are relative.
        report: Called with a line of text before a folder is searched.

    Raises:
        DataError: No recording has a text.
    """
    has_shards = (recordings / SHARD_LIST).is_file() and any(recordings.glob("*.tar"))
    if recordings.is_dir() and not has_shards:
        found = _of_folder(recordings, folder, report)
    elif Path(without_query(recordings)).suffix.lower() in AUDIO_SUFFIXES:
        raise DataError(f"{recordings}: is one recording; name a folder of them, or a manifest")
    else:
        manifest = Manifest(recordings)
        found = UsableRecordings([], [])
        for utterance in manifest:
            if utterance.text is None:
                found.reasons.append(f"{recordings}: {utterance.id}: has no text")
            else:
                found.utterances.append(manifest.moved_to(folder, utterance))
    if not found.utterances:
        raise DataError(
            f"{recordings}: no recording has a text that can be read: {_first(found.reasons)}"
            if found.reasons
            else f"{recordings}: no recordings; put speech.wav and what is said in it, speech.txt, "
            "there"
        )
    return found


def _first(reasons: Sequence[str]) -> str:
    """The first reason, and the number of the others."""
    others = f" (and {counted(len(reasons) - 1, 'other')})" if len(reasons) > 1 else ""
    return f"{reasons[0]}{others}"


def _of_folder(recordings: Path, folder: Path, report: Report) -> UsableRecordings:
    for name, kind in (("bundle.json", "a bundle"), ("run.json", "a run")):
        if (recordings / name).exists():
            raise DataError(
                f"{recordings}: is {kind}, not recordings; to start from it: --init-from"
            )
    report(f"looking for recordings in {recordings}")
    found = UsableRecordings([], [])
    for entry in build_manifest(recordings, folder):
        if isinstance(entry, Utterance):
            found.utterances.append(entry)
            if len(found.utterances) % 5000 == 0:
                report(f"{len(found.utterances)} recordings so far")
        else:
            found.reasons.append(str(entry))
    found.reasons.extend(f"{path}: a text without a recording" for path in texts_alone(recordings))
    return found


def decode(
    found: UsableRecordings, work: Work, sample_rate: int, progress: bool
) -> UsableRecordings:
    """Decode all recordings once; leave out those that cannot be used.

    These are the ones that cannot be decoded, silent ones, and those with a transcript_fault.

    Args:
        work: The decoded recordings are stored in its cache.
    """
    paths = [recording_of(utterance, work.path) for utterance in found.utterances]
    cache = open_cache(paths, sample_rate, work / "cache", progress)
    kept, reasons = [], list(found.reasons)
    for index, utterance in enumerate(found.utterances):
        if index in cache.failures:
            reasons.append(cache.failures[index])
        elif utterance.text and _is_silent(cache, index):
            reasons.append(f"{utterance.id}: is silent, and its text is not empty")
        else:
            seconds = round(cache.num_samples[index] / sample_rate, 3)
            text = utterance.text or ""
            if fault := transcript_fault(text, utterance.id, seconds):
                reasons.append(str(fault))
            else:
                kept.append(replace(utterance, duration=seconds, text=normalize(text)))
    return UsableRecordings(kept, reasons)


def _is_silent(cache: PCMCache, index: int) -> bool:
    return bool(np.abs(cache.waveform(index)).max(initial=0) < _SILENT)


def feasible(found: UsableRecordings, alphabet: Alphabet, settings: Settings) -> UsableRecordings:
    """Leave out texts with symbols that the alphabet lacks, or too long for their recordings."""
    kept, reasons = [], list(found.reasons)
    for utterance in found.utterances:
        num_frames = settings.features.num_frames(
            int(utterance.duration * settings.features.sample_rate)
        )
        num_steps = settings.model.num_steps(num_frames)
        try:
            encode_target(utterance.text or "", alphabet, num_steps, utterance.id)
        except DataError as error:
            reasons.append(str(error))
        else:
            kept.append(utterance)
    return UsableRecordings(kept, reasons)


def split(found: UsableRecordings, work: Work, report: Report) -> tuple[Path, Path]:
    """Write the training and the held-out manifest, of different speakers if there are enough.

    Args:
        work: The folder of the manifests.
        report: Called with lines of text: what is left out, how many utterances are held out.

    Raises:
        TrainingError: There are too few utterances.
    """
    utterances = found.utterances
    if len(utterances) < MIN_UTTERANCES:
        raise TrainingError(
            f"{counted(len(utterances), 'utterance')} can be used, at least {MIN_UTTERANCES} are "
            "needed to learn from some and measure on others; "
            + (
                f"left out: {_first(found.reasons)}"
                if found.reasons
                else "record more: a minute of speech helps"
            )
        )
    if found.reasons:
        text = "".join(f"{printable(reason)}\n" for reason in found.reasons)
        write_atomically(work / "left_out.txt", text)
        report(
            f"left out: {counted(len(found.reasons), 'recording')}, the first: {found.reasons[0]}; "
            f"all: {work / 'left_out.txt'}"
        )
    are_apart = len(set(units_of(utterances))) >= _MIN_SPEAKERS
    if not are_apart:
        utterances = [replace(utterance, speaker=None) for utterance in utterances]
    others = "recordings" if None in {utterance.speaker for utterance in utterances} else "speakers"
    everything = work / "recordings.jsonl"
    write_manifest(everything, utterances)
    share = _SHARE if found.seconds < _HOUR / 2 else _SHARE / 2
    share = min(share, _MAX_HELD_OUT / max(found.seconds, 1e-9))
    together = voice_of if are_apart else itself
    train, held_out = split_manifest(Manifest(everything), share, _SEED, together)
    paths = work / "train.jsonl", work / "held_out.jsonl"
    for path, part in zip(paths, (train, held_out), strict=True):
        write_manifest(path, part)
    report(
        f"{_describe(train)} to learn from, {_describe(held_out)} held out"
        + (f" (other {others})" if are_apart else " (too few speakers to hold one out)")
    )
    num_words = sum(len((utterance.text or "").split()) for utterance in held_out)
    if num_words < _FEW_WORDS:
        report(
            f"only {counted(num_words, 'word')} are held out: the word error rate will have a wide "
            "interval; recordings of more speakers make it narrower"
        )
    return paths


def _describe(utterances: Sequence[Utterance]) -> str:
    minutes = sum(utterance.duration for utterance in utterances) / _MINUTE
    return f"{counted(len(utterances), 'utterance')} ({minutes:.1f} min)"
