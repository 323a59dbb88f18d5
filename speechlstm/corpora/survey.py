"""Reads all recordings of manifests once, and measures what a report on them tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from speechlstm.audio import Piece, read_audio
from speechlstm.config import Settings
from speechlstm.corpora.check import faults_of
from speechlstm.corpora.fingerprint import Fingerprint
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.corpora.sound import Sound
from speechlstm.errors import DataError, ManifestError
from speechlstm.parallel import Progress, map_in_processes, no_progress
from speechlstm.text.alphabet import Alphabet


@dataclass(frozen=True)
class Surveyed:
    """An utterance and what its recording is like.

    Attributes:
        recording: What was read.
        faults: What `speechlstm manifest check` says of it.
        sound: None: the recording cannot be read.
        fingerprint: None: the recording cannot be read.
    """

    list_index: int
    utterance: Utterance
    recording: Path | Piece
    faults: tuple[str, ...] = ()
    sound: Sound | None = None
    fingerprint: Fingerprint | None = None


@dataclass(frozen=True)
class Survey:
    """All utterances of some manifests.

    Attributes:
        utterances: In the order of the manifests.
        bad_lines: The errors of lines that are no utterances.
    """

    utterances: tuple[Surveyed, ...]
    bad_lines: tuple[str, ...]


def survey(
    manifests: Sequence[Manifest],
    alphabet: Alphabet,
    settings: Settings,
    jobs: int = 1,
    progress: Progress = no_progress,
) -> Survey:
    """Read the recordings of manifests; alphabet and settings are those of check_manifest.

    Raises:
        ManifestError: There is no utterance.
    """
    items, bad_lines = [], []
    for index, manifest in enumerate(manifests):
        for entry in manifest.entries():
            if isinstance(entry, ManifestError):
                bad_lines.append(str(entry))
            else:
                items.append(Surveyed(index, entry, manifest.recording(entry)))
    if not items:
        raise ManifestError(manifests[0].path, f"nothing to report on: {bad_lines[0]}")
    results = map_in_processes(partial(_load, alphabet, settings), items, jobs)
    return Survey(tuple(progress(results, len(items), "recordings")), tuple(bad_lines))


def _load(alphabet: Alphabet, settings: Settings) -> Callable[[Surveyed], Surveyed]:
    return partial(_measured, alphabet, settings)


def _measured(alphabet: Alphabet, settings: Settings, item: Surveyed) -> Surveyed:
    place = item.list_index, item.utterance, item.recording
    try:
        audio = read_audio(item.recording)
    except DataError as error:
        return Surveyed(*place, (str(error),))
    faults = faults_of(item.utterance, item.recording, audio, alphabet, settings)
    return Surveyed(*place, tuple(map(str, faults)), Sound.measured(audio), Fingerprint.of(audio))
