"""What comes before training: a corpus' manifest is built, checked, described, split."""

import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from speechlstm.alphabet import Alphabet
from speechlstm.audio import read_audio, read_duration
from speechlstm.config import Settings
from speechlstm.errors import AudioError, DataError, ManifestError
from speechlstm.lm.text import read_sentences
from speechlstm.manifest import Manifest, Utterance, write_manifest
from speechlstm.targets import encode_target
from speechlstm.text import normalize

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
DURATION_TOLERANCE = 0.1  # seconds: manifests round


def build_manifest(
    folder: Path, destination: Path, with_texts: bool = True
) -> Iterator[Utterance | DataError]:
    """The recordings under a folder, each with its text: speech.wav has it in speech.txt.

    The id is the recording's path below folder, without its suffix unless others differ in that
    alone; the first folder on that path is the speaker, so that all of a speaker's recordings stay
    together. Durations come from the headers.

    Args:
        folder: Searched with its subfolders; names that begin with a dot are passed over.
        destination: The folder of the manifest: audio paths are relative to it.
        with_texts: Whether each needs a text; otherwise none has one, as befits noise.

    Yields:
        In the order of the paths: the utterance, or why the recording is left out.
    """
    paths = [path for path in sorted(folder.rglob("*")) if _is_recording(path.relative_to(folder))]
    stems = Counter(path.with_suffix("") for path in paths)
    for path in paths:
        try:
            text = _read_text(path.with_suffix(".txt"), path) if with_texts else None
            name = path.with_suffix("") if stems[path.with_suffix("")] == 1 else path
            yield _build_utterance(name.relative_to(folder), path, text, destination)
        except DataError as error:
            yield error


def _is_recording(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in AUDIO_SUFFIXES and not hidden


def _read_text(path: Path, recording: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="utf-8-sig").split())
    except FileNotFoundError:
        raise AudioError(recording, f"has no text; write what is said into {path.name}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise AudioError(recording, f"its text {path.name} cannot be read: {error}") from None


def _build_utterance(name: Path, path: Path, text: str | None, destination: Path) -> Utterance:
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        raise AudioError(path, "has a name that is not UTF-8; rename it") from None
    return Utterance(
        id=name.as_posix(),
        audio=os.path.relpath(path.absolute(), destination.resolve()),
        duration=round(read_duration(path), 3),
        text=text,
        speaker=name.parts[0] if len(name.parts) > 1 else None,
    )


def check_manifest(
    manifest: Manifest, alphabet: Alphabet, settings: Settings
) -> Iterator[list[DataError]]:
    """Decodes every recording of a manifest and holds it against what the manifest says.

    Args:
        manifest: The manifest.
        alphabet: What the texts, normalised, may be made of.
        settings: Say how many frames the network has for a text.

    Yields:
        For each entry, in order, what is wrong with it: a line that is no utterance, a recording
        that cannot be read or is of another length, symbols outside the alphabet, a text too long
        for its recording.
    """

    def check(entry: Utterance | ManifestError) -> list[DataError]:
        if isinstance(entry, ManifestError):
            return [entry]
        return list(_faults(entry, manifest, alphabet, settings))

    with ThreadPoolExecutor() as pool:
        yield from pool.map(check, manifest.entries())


def _faults(
    utterance: Utterance, manifest: Manifest, alphabet: Alphabet, settings: Settings
) -> Iterator[DataError]:
    path = manifest.audio_path(utterance)
    try:
        audio = read_audio(path, settings.features.sample_rate)
    except AudioError as error:
        yield error
        return
    if abs(audio.duration - utterance.duration) > DURATION_TOLERANCE:
        yield AudioError(
            path, f"is {audio.duration:.2f} s long, its manifest says {utterance.duration:.2f} s"
        )
    if utterance.text is not None:
        num_frames = settings.features.num_frames(len(audio.samples))
        num_steps = settings.model.num_steps(num_frames)
        try:
            encode_target(utterance.text, alphabet, num_steps, f"{path}")
        except DataError as error:
            yield error


@dataclass(frozen=True)
class ManifestStats:
    """What a manifest holds.

    Attributes:
        num_utterances: All of them.
        num_transcribed: Those with a text, known silence among them.
        num_speakers: Distinct speakers, where named.
        total_seconds: Audio in all.
        min_seconds: The shortest utterance.
        median_seconds: The median utterance.
        max_seconds: The longest utterance.
        num_words: Words of the normalised texts.
        num_distinct_words: Distinct ones of them.
        symbols: How often each character occurs in the normalised texts, the most frequent first.
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
        """The numbers as plain JSON values."""
        return asdict(self)

    def to_text(self) -> str:
        """The numbers for a reader."""
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
    """Counts what a manifest holds, by what it says: no recording is decoded.

    Raises:
        ManifestError: As in iterating over the manifest.
    """
    utterances = list(manifest)
    seconds = [utterance.duration for utterance in utterances]
    texts = [normalize(utterance.text) for utterance in utterances if utterance.text is not None]
    words = [word for text in texts for word in text.split()]
    return ManifestStats(
        num_utterances=len(utterances),
        num_transcribed=len(texts),
        num_speakers=len({u.speaker for u in utterances if u.speaker is not None}),
        total_seconds=sum(seconds),
        min_seconds=min(seconds),
        median_seconds=median(seconds),
        max_seconds=max(seconds),
        num_words=len(words),
        num_distinct_words=len(set(words)),
        symbols=dict(Counter("".join(texts)).most_common()),
    )


def count_words(path: Path) -> Counter[str]:
    """How often each word occurs in a manifest (.jsonl, .csv) or a text (plain, .gz, .xz).

    Raises:
        DataError: The file cannot be read.
    """
    if path.suffix in (".jsonl", ".csv"):
        texts: Iterator[str] = (normalize(u.text) for u in Manifest(path) if u.text)
    else:
        texts = read_sentences(path)
    return Counter(word for text in texts for word in text.split())


def split_manifest(
    manifest: Manifest, share: float, seed: int
) -> tuple[list[Utterance], list[Utterance]]:
    """Parts a manifest in two, no speaker in both; an utterance without one is its own speaker.

    Args:
        manifest: The manifest.
        share: Of the audio, for the second part, in (0, 1); met as nearly as whole speakers allow.
        seed: The same seed and manifest give the same parts, whatever the order of the lines.

    Returns:
        The larger part, to train on, and the part to validate with; in the manifest's order.

    Raises:
        ManifestError: As in iterating over the manifest; or it has one speaker only.
    """
    utterances = list(manifest)
    seconds: defaultdict[tuple[bool, str], float] = defaultdict(float)
    for utterance in utterances:
        seconds[_voice(utterance)] += utterance.duration
    if len(seconds) < 2:
        raise ManifestError(
            manifest.path,
            "has one speaker only, who cannot be in both parts; leave the speaker out of its lines "
            "to split by utterance",
        )
    wanted = share * sum(seconds.values())
    voices = sorted(seconds)
    random.Random(seed).shuffle(voices)
    chosen = set()
    for voice in voices[1:]:  # the first is left to train on
        if seconds[voice] < 2 * wanted:  # brings the part nearer to its size
            chosen.add(voice)
            wanted -= seconds[voice]
    chosen = chosen or {min(voices, key=lambda voice: seconds[voice])}
    return (
        [u for u in utterances if _voice(u) not in chosen],
        [u for u in utterances if _voice(u) in chosen],
    )


def write_split(
    manifest: Manifest, share: float, seed: int, train: Path, valid: Path
) -> tuple[list[Utterance], list[Utterance]]:
    """Writes what split_manifest parts as two manifests, and returns it; see there."""
    parts = split_manifest(manifest, share, seed)
    for path, part in zip((train, valid), parts, strict=True):
        write_manifest(path, (manifest.moved_to(path.parent, u) for u in part))
    return parts


def _voice(utterance: Utterance) -> tuple[bool, str]:
    """What a split keeps together: a speaker, or an utterance whose speaker is not known."""
    if utterance.speaker is None:
        return False, utterance.id
    return True, utterance.speaker
