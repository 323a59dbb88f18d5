"""`speechlstm align`: lines that are spoken and lines that are not, and an hour with its text.

    python scripts/benchmarks/align.py MANIFEST... [--bundle BUNDLE] [--hour SECONDS] [--json]

The text of each utterance is written in lines of some words and aligned. Then one of its lines, the
middle one, is replaced by as many words of another utterance, and the text is aligned again. The
figures are shares of lines below a confidence: of those that are spoken (false warnings), and of
those that are not (found). With --hour, utterances of the manifests are joined, with 0.3 s of
silence after each, to a recording of that length, whose text the command aligns; its times are
compared with those of the utterances.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import soundfile
from processes import measure

from speechlstm import Audio, Recognizer, Transcript
from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import DataError
from speechlstm.recognizer.aligning import align_segments
from speechlstm.text.normalize import normalize

LINE_WORDS = (2, 4, 8)
BOUNDS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15)
PAUSE = np.zeros(4800, np.float32)
SAMPLE_RATE = 16000


@click.command(help=__doc__)
@click.argument("manifests", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--bundle", "--model", "bundle", help="Bundle; by default that of the package.")
@click.option("--utterances", default=100, show_default=True, help="Of each manifest, at most.")
@click.option("--hour", "seconds", type=float, help="Length of the long recording.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    manifests: tuple[Path, ...],
    bundle: str | None,
    utterances: int,
    seconds: float | None,
    as_json: bool,
) -> None:
    """Measure and print the figures."""
    recognizer = Recognizer.load(bundle, greedy=True)
    figures: dict[str, object] = {}
    for path in manifests:
        recordings = list(_recordings(path, utterances))
        for number in LINE_WORDS:
            spoken, others = _confidences(recognizer, recordings, number)
            name = f"{path.parent.name}, lines of {number} words"
            figures[name] = row = {
                "num_lines": [len(spoken), len(others)],
                **{f"{b:g}": [_share(spoken, b), _share(others, b)] for b in BOUNDS},
            }
            print(f"{name}: {json.dumps(row)}")
    if seconds:
        figures["long"] = long = _long(manifests, seconds, bundle)
        print(json.dumps(long))
    if as_json:
        print(json.dumps(figures))


def _recordings(path: Path, most: int) -> Iterator[tuple[Audio, list[str]]]:
    manifest = Manifest(path)
    listed = [u for u in manifest if u.text]
    for index in np.linspace(0, len(listed) - 1, min(most, len(listed))).astype(int):
        utterance = listed[index]
        audio = read_audio(manifest.recording(utterance), SAMPLE_RATE)
        yield audio, normalize(utterance.text or "").split()


def _confidences(
    recognizer: Recognizer, recordings: list[tuple[Audio, list[str]]], number: int
) -> tuple[list[float], list[float]]:
    """The confidences of lines that are spoken, and of lines that are not."""
    spoken, others = [], []
    for index, (audio, words) in enumerate(recordings):
        lines = [words[i : i + number] for i in range(0, len(words), number)]
        spoken += [line.confidence for line in _aligned(recognizer, audio, lines).lines]
        middle = len(lines) // 2
        unspoken = recordings[index - 1][1][: len(lines[middle])]
        if len(unspoken) == len(lines[middle]) and unspoken != lines[middle]:
            changed = [*lines[:middle], unspoken, *lines[middle + 1 :]]
            try:
                others.append(_aligned(recognizer, audio, changed).lines[middle].confidence)
            except DataError:  # the command says that no word of the text is spoken
                others.append(0.0)
    return spoken, others


def _aligned(recognizer: Recognizer, audio: Audio, lines: list[list[str]]) -> Transcript:
    text = "\n".join(map(" ".join, lines))
    return align_segments([(0.0, audio)], recognizer.model.characters, text, "utterance")


def _share(confidences: list[float], bound: float) -> float:
    return round(float(np.mean(np.array(confidences) < bound)), 4)


def _long(manifests: tuple[Path, ...], seconds: float, bundle: str | None) -> dict[str, object]:
    """Time and memory for a long recording, and how many of its lines are found in their place."""
    with tempfile.TemporaryDirectory() as name:
        wav, text, out = (Path(name) / file for file in ("a.wav", "a.txt", "a.json"))
        bounds, lines = [], []
        with soundfile.SoundFile(wav, "w", SAMPLE_RATE, 1, subtype="PCM_16") as file:
            for manifest in map(Manifest, manifests):
                for utterance in manifest:
                    if file.frames >= seconds * SAMPLE_RATE or not utterance.text:
                        continue
                    audio = read_audio(manifest.recording(utterance), SAMPLE_RATE)
                    start = file.frames / SAMPLE_RATE
                    bounds.append((start, start + audio.duration))
                    lines.append(normalize(utterance.text))
                    file.write(np.concatenate((audio.samples, PAUSE)))
            duration = file.frames / SAMPLE_RATE
        text.write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-m", "speechlstm", "align", str(wav), str(text)]
        command += ["-o", str(out), *(["--bundle", bundle] if bundle else [])]
        used = measure(command)
        found = json.loads(out.read_text())["lines"]
    outside = [
        max(start - line["start"], line["end"] - end, 0.0)
        for (start, end), line in zip(bounds, found, strict=True)
    ]
    return {
        "duration_seconds": round(duration),
        "num_lines": len(lines),
        "wall_seconds": round(used.seconds),
        "cpu_seconds": round(used.cpu_seconds),
        "peak_megabytes": round(used.megabytes),
        "lines_within_0.3_s": sum(error <= 0.3 for error in outside),
        "largest_error_seconds": round(max(outside), 2),
    }


if __name__ == "__main__":
    main()
