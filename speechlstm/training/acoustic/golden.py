"""Golden files: recordings, log-probabilities and texts to test a port to another language."""

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from speechlstm.acoustic import LiteRTAcousticModel, levelled
from speechlstm.audio import Audio
from speechlstm.bundle import MODEL, PORTABLE_MODEL, Bundle, read_bundle
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.errors import ConfigError
from speechlstm.storage import folder_written_atomically, write_atomically
from speechlstm.tflite.metadata import dump_json
from speechlstm.training.tflite.edit import stored_quantization

INDEX = "golden.json"
MAX_RECORDINGS = 10
_GOLDEN = re.compile(rf"{re.escape(INDEX)}|\d+\.wav|\d+\.[a-z.]+\.f32")
# Of log-probabilities, among runtimes
_TOLERANCE = {"none": 1e-4, "float16": 0.02, "int8": 0.15, "int4": 0.15}


def refuse_to_replace_other_files(path: Path) -> None:
    """Refuse a path where golden files would replace something else.

    Raises:
        ConfigError: The path is a file, or a folder with other files than golden files.
    """
    names = {p.name for p in path.iterdir()} if path.is_dir() else {""} if path.exists() else set()
    if names and (INDEX not in names or not all(map(_GOLDEN.fullmatch, names))):
        raise ConfigError(f"{path}: has other files, which would be lost; choose another folder")


def write_golden(path: Path, bundle: Path, recordings: Sequence[tuple[Audio, str]]) -> None:
    """Run the models of a bundle and write what goes in and what comes out.

    The folder gets golden.json, a .wav (16 bit, mono) for each recording, and a .f32 for each
    recording and model: its log-probabilities, little-endian float32, frame by frame.
    data/README.md describes golden.json.

    Args:
        path: The folder; golden files in it are replaced.
        recordings: Recordings and their transcripts, of which MAX_RECORDINGS at most are used.

    Raises:
        BundleError: The bundle is damaged, or a model cannot be run.
        ConfigError: As in refuse_to_replace_other_files.
        OSError: A file cannot be written.
    """
    refuse_to_replace_other_files(path)
    chosen = recordings[:MAX_RECORDINGS]
    files: dict[str, bytes] = {}
    waves: list[Audio] = []
    for number, (audio, _) in enumerate(chosen):
        pcm = np.round(audio.samples.clip(-1, 1 - 2**-15) * 32768).astype(np.int16)
        stream = io.BytesIO()
        soundfile.write(stream, pcm, audio.sample_rate, format="WAV", subtype="PCM_16")
        files[f"{number}.wav"] = stream.getvalue()
        waves.append(Audio(pcm.astype(np.float32) / np.float32(32768), audio.sample_rate))
    models = [bundle / name for name in (MODEL, PORTABLE_MODEL) if (bundle / name).exists()]
    spec = read_bundle(bundle).acoustic
    entries: list[dict[str, Any]] = [
        {"wav": f"{number}.wav", "reference": text, "outputs": {}}
        for number, (_, text) in enumerate(chosen)
    ]
    for model_path in models:
        model = LiteRTAcousticModel(Bundle(model_path, spec))
        for number, (audio, entry) in enumerate(zip(waves, entries, strict=True)):
            outputs = model.outputs(levelled(audio, spec.features))
            characters = outputs[:, : spec.alphabet.num_labels]
            name = f"{number}.{model_path.stem}.f32"
            files[name] = outputs.astype("<f4").tobytes()
            entry["outputs"][model_path.name] = {
                "log_probs": name,
                "shape": list(outputs.shape),
                "text": greedy_decode(characters, spec.alphabet, spec.frame_seconds).text,
            }
    index = {
        "sample_rate": spec.features.sample_rate,
        "frame_seconds": spec.frame_seconds,
        "tolerance": {p.name: _TOLERANCE[stored_quantization(p.read_bytes())] for p in models},
        "recordings": entries,
    }
    with folder_written_atomically(path) as folder:
        for name, content in files.items():
            write_atomically(folder / name, content)
        write_atomically(folder / INDEX, dump_json(index))
