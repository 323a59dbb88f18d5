"""Speakers told apart: the diarization error rate on mixtures of speakers of manifests.

    python scripts/benchmarks/diarize.py MANIFEST... [--half odd] [--rttm FOLDER]

Each mixture is of 1 to 5 speakers of one manifest, who speak in turn: utterances of the same
loudness, joined to turns of 2 to 12 s, with 0.1 to 0.6 s of silence after each. They depend only on
the seed. What is speech in an utterance is decided by its loudness (librosa's effects.split, 35 dB
below the loudest, pauses below 0.5 s filled), so the reference knows nothing of the recogniser. The
DER has a collar of 0.25 s. The mixtures are transcribed greedily, since only the times of words
matter, and their speakers are told apart twice: with their number given, and found out.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from librosa.effects import split as split_by_loudness
from numpy.typing import NDArray

from speechlstm import Audio, Recognizer
from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest
from speechlstm.diarization import Diarizer
from speechlstm.evaluation.diarization import DiarizationErrors, diarization_errors
from speechlstm.storage import write_atomically
from speechlstm.transcript.rttm import PAUSE_SECONDS, Turn, rttm_lines, speaker_turns

SAMPLE_RATE = 16000
LEVEL = 0.05  # root mean square of each utterance
TURN_SECONDS, SILENCE_SECONDS = (2.0, 12.0), (0.1, 0.6)
LEAST_UTTERANCES = 3  # of a speaker
NUMBERS = (1, 2, 3, 4, 5)

Recordings = dict[str, list[Any]]  # of each speaker


@dataclass(frozen=True)
class Mixture:
    """A recording of several speakers, and who speaks when."""

    name: str
    audio: Audio
    turns: list[Turn]

    @property
    def num_speakers(self) -> int:
        """How many of them speak."""
        return len({turn.speaker for turn in self.turns})


@click.command(help=__doc__)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--speaker-bundle", type=click.Path(path_type=Path), help="[default: the package's]")
@click.option("--mixtures", default=4, show_default=True, help="Of each number of speakers.")
@click.option("--seconds", default=60.0, show_default=True, help="Of a mixture, at least.")
@click.option("--half", type=click.Choice(["even", "odd"]), help="Every second speaker only.")
@click.option("--seed", default=1, show_default=True)
@click.option("--rttm", "folder", type=click.Path(path_type=Path), help="Keep the turns there.")
def main(
    manifests: tuple[Path, ...],
    speaker_bundle: Path | None,
    mixtures: int,
    seconds: float,
    half: str | None,
    seed: int,
    folder: Path | None,
) -> None:
    """Measure and print one line of JSON for each manifest and number of speakers."""
    recognizer = Recognizer.load(greedy=True, speakers="auto", speaker_bundle=speaker_bundle)
    for path in manifests:
        recordings = recordings_of(path)
        if half:
            chosen = sorted(recordings)[half == "odd" :: 2]
            recordings = {name: recordings[name] for name in chosen}
        for number in (n for n in NUMBERS if n <= len(recordings)):
            generator = random.Random(f"{seed} {path.parent.name} {path.stem} {number}")
            known = found = DiarizationErrors()
            num_right = 0
            for index in range(mixtures):
                name = f"{path.parent.name}-{path.stem}-{number}-{index}"
                mixture = mixed(name, recordings, number, generator, seconds)
                given, out = labelled(recognizer, mixture, speaker_bundle)
                known += diarization_errors(mixture.turns, given)
                found += diarization_errors(mixture.turns, out)
                num_right += len({turn.speaker for turn in out}) == mixture.num_speakers
                if folder:
                    folder.mkdir(parents=True, exist_ok=True)
                    for kind, turns in (("reference", mixture.turns), ("hypothesis", out)):
                        lines = "".join(f"{line}\n" for line in rttm_lines(name, turns))
                        write_atomically(folder / f"{name}.{kind}.rttm", lines)
            row = {
                "manifest": f"{path.parent.name}/{path.stem}",
                "speakers": number,
                "mixtures": mixtures,
                "minutes": round(known.total / 60, 1),
                "der_known": round(known.rate, 4),
                "der_found": round(found.rate, 4),
                "confusion_known": round(known.confusion / known.total, 4),
                "confusion_found": round(found.confusion / found.total, 4),
                "number_right": num_right,
            }
            click.echo(json.dumps(row))


def labelled(
    recognizer: Recognizer, mixture: Mixture, bundle: Path | None
) -> tuple[list[Turn], list[Turn]]:
    """The turns that are found with the number of speakers, and without it."""
    words = recognizer.transcribe(mixture.audio).words
    known = Diarizer.load(bundle, mixture.num_speakers)
    windows = known.windows(mixture.audio, words)
    return speaker_turns(known.with_speakers(words, windows)), speaker_turns(words)


def recordings_of(path: Path) -> Recordings:
    """The recordings of each speaker of a manifest who has enough."""
    manifest = Manifest(path)
    found: Recordings = {}
    for utterance in manifest:
        found.setdefault(utterance.speaker or "", []).append(manifest.recording(utterance))
    return {name: paths for name, paths in sorted(found.items()) if len(paths) >= LEAST_UTTERANCES}


def mixed(
    name: str, recordings: Recordings, number: int, generator: random.Random, seconds: float
) -> Mixture:
    """A mixture of a number of speakers, each of whom speaks if there are enough turns."""
    speakers = generator.sample(sorted(recordings), number)
    left = {who: generator.sample(recordings[who], len(recordings[who])) for who in speakers}
    pieces: list[NDArray[np.float32]] = []
    turns: list[Turn] = []
    length = 0
    for speaker in _order(speakers, left, generator):
        ends_at = length + generator.uniform(*TURN_SECONDS) * SAMPLE_RATE
        while left[speaker] and length < ends_at:
            samples = read_audio(left[speaker].pop(), SAMPLE_RATE).samples
            samples = LEVEL * samples / max(1e-3, float(np.sqrt(np.mean(np.square(samples)))))
            turns += [
                Turn(speaker, length / SAMPLE_RATE + start, length / SAMPLE_RATE + end)
                for start, end in speech(samples)
            ]
            silence = round(generator.uniform(*SILENCE_SECONDS) * SAMPLE_RATE)
            pieces += [samples, np.zeros(silence, np.float32)]
            length += len(samples) + silence
        if length >= seconds * SAMPLE_RATE:
            break
    return Mixture(name, Audio(np.concatenate(pieces).clip(-1, 1), SAMPLE_RATE), turns)


def _order(speakers: list[str], left: Recordings, generator: random.Random) -> Iterator[str]:
    """Who speaks next: each in turn once, then anyone else who has something left."""
    yield from speakers
    last = speakers[-1]
    while others := [who for who in speakers if left[who] and (who != last or len(speakers) == 1)]:
        last = generator.choice(others)
        yield last


def speech(samples: NDArray[np.float32]) -> list[tuple[float, float]]:
    """The start and end of each stretch of speech, in seconds."""
    found: list[tuple[float, float]] = []
    for first, last in split_by_loudness(samples, top_db=35, frame_length=512, hop_length=160):
        start, end = first / SAMPLE_RATE, last / SAMPLE_RATE
        if found and start - found[-1][1] < PAUSE_SECONDS:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


if __name__ == "__main__":
    main()
