"""Checks the utterances of a manifest."""

import re
from collections.abc import Iterator
from pathlib import Path

from speechlstm.audio import Audio, Piece, read_audio
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import AudioError, DataError, ManifestError, quoted
from speechlstm.parallel import map_in_threads
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.targets import encode_target

DURATION_TOLERANCE = 0.1  # seconds, because manifests round
_MARK = re.compile(r"<[^<>\s][^<>]*>|\[[^\[\]]+\]")
_LONG = 60.0  # seconds; texts of shorter recordings may be a word between pauses
_SLOWEST = 0.5  # characters a second; slow speech has ten


def check_manifest(
    manifest: Manifest, alphabet: Alphabet, settings: Settings
) -> Iterator[list[DataError]]:
    """Decode every recording of a manifest and compare it with its entry.

    Args:
        alphabet: The symbols that the normalised texts may have.
        settings: Determine the number of frames that the network has for a text.

    Yields:
        For each entry, in order, its errors: the line is not an utterance, the recording cannot be
            read or has another duration, the text has marks or symbols outside the alphabet, or is
            too long or much too short for the recording.
    """
    rate = settings.features.sample_rate

    def check(entry: Utterance | ManifestError) -> list[DataError]:
        if isinstance(entry, ManifestError):
            return [entry]
        recording = manifest.recording(entry)
        try:
            audio = read_audio(recording, rate)
        except AudioError as error:
            return [error]
        return list(faults_of(entry, recording, audio, alphabet, settings))

    yield from map_in_threads(check, manifest.entries())


def faults_of(
    utterance: Utterance,
    recording: Path | Piece,
    audio: Audio,
    alphabet: Alphabet,
    settings: Settings,
) -> Iterator[DataError]:
    """What is wrong with an entry whose recording has been read, at any sample rate."""
    if fault := duration_fault(utterance.duration, recording, audio.duration):
        yield fault
    if utterance.text is not None:
        if fault := transcript_fault(utterance.text, f"{recording}", audio.duration):
            yield fault
        num_samples = round(audio.duration * settings.features.sample_rate)
        num_steps = settings.model.num_steps(settings.features.num_frames(num_samples))
        try:
            encode_target(utterance.text, alphabet, num_steps, f"{recording}")
        except DataError as error:
            yield error


def duration_fault(
    listed: float, recording: Path | Piece | str, seconds: float
) -> AudioError | None:
    """The error of a recording that has another duration than its manifest says: it may be cut."""
    if abs(seconds - listed) <= DURATION_TOLERANCE:
        return None
    reason = f"lasts {seconds:.2f} s, its manifest says {listed:.2f} s"
    return AudioError(f"{recording}", reason)


def transcript_fault(text: str, recording: str, seconds: float) -> AudioError | None:
    """The error of a text that cannot be what is said, and all of that, in a recording.

    >>> print(transcript_fault("yes [laughter]", "a.wav", 2.0))
    a.wav: its text has the mark '[laughter]', which would be learnt as words; ...
    """
    if mark := _MARK.search(text):
        reason = (
            f"its text has the mark {quoted(mark[0])}, which would be learnt as words; remove it"
        )
        return AudioError(recording, f"{reason}, or the utterance if words are missing")
    if text and seconds > _LONG and len(text) < _SLOWEST * seconds:
        reason = f"lasts {seconds:.0f} s, its text has only {len(text)} characters"
        return AudioError(recording, f"{reason}; write down all that is said, or cut the recording")
    return None
