"""Checks the utterances of a manifest."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from speechlstm.audio import read_audio
from speechlstm.config import Settings
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.errors import AudioError, DataError, ManifestError
from speechlstm.text.alphabet import Alphabet
from speechlstm.text.targets import encode_target

DURATION_TOLERANCE = 0.1  # seconds, because manifests round


def check_manifest(
    manifest: Manifest, alphabet: Alphabet, settings: Settings
) -> Iterator[list[DataError]]:
    """Decode every recording of a manifest and compare it with its entry.

    Args:
        manifest: The manifest.
        alphabet: The symbols that the normalised texts may have.
        settings: Determine the number of frames that the network has for a text.

    Yields:
        For each entry, in order, its errors: the line is not an utterance, the recording cannot be
            read or has another duration, the text has symbols outside the alphabet or is too long
            for the recording.
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
    path = manifest.recording(utterance)
    try:
        audio = read_audio(path, settings.features.sample_rate)
    except AudioError as error:
        yield error
        return
    if abs(audio.duration - utterance.duration) > DURATION_TOLERANCE:
        yield AudioError(
            f"{path}", f"lasts {audio.duration:.2f} s, its manifest says {utterance.duration:.2f} s"
        )
    if utterance.text is not None:
        num_frames = settings.features.num_frames(len(audio.samples))
        num_steps = settings.model.num_steps(num_frames)
        try:
            encode_target(utterance.text, alphabet, num_steps, f"{path}")
        except DataError as error:
            yield error
