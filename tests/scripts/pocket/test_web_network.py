"""The network in LiteRT.js, in Node, compared with LiteRT in Python."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm import Audio, Recognizer
from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.bundle import PORTABLE_MODEL, default_bundle, read_bundle

ROOT = Path(__file__).parents[3]
WEB = ROOT / "scripts" / "pocket" / "web"
SAMPLES = sorted((ROOT / "data" / "samples").glob("*.wav"))
TOLERANCES = {"int8": 0.15, "int4": 0.15, "none": 1e-4}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("quantization", TOLERANCES)
def test_log_probabilities_are_those_of_python(
    litert_js: str, portable_bundles: dict[str, Path], tmp_path: Path, quantization: str
) -> None:
    bundle = portable_bundles[quantization]
    paths = SAMPLES if quantization == "int8" else SAMPLES[:3]
    outputs = {path: tmp_path / f"{path.stem}.f32" for path in paths}
    names = [str(path) for pair in outputs.items() for path in pair]
    command = [litert_js, str(WEB / "test" / "outputs.js"), str(bundle), PORTABLE_MODEL]
    subprocess.run([*command, *names], check=True, capture_output=True)
    model = LiteRTAcousticModel(read_bundle(bundle))
    for path, output in outputs.items():
        right = model.outputs(Audio.load(path))
        found = np.fromfile(output, "<f4").reshape(right.shape)
        assert np.abs(found - right).max() <= TOLERANCES[quantization]


def test_samples_are_transcribed_as_by_python(
    litert_js: str, portable_bundles: dict[str, Path]
) -> None:
    bundle = str(portable_bundles["int8"])
    command = [litert_js, str(WEB / "transcribe.js"), "--bundle", bundle, *map(str, SAMPLES)]
    printed = subprocess.check_output(command, text=True)
    recognizer = Recognizer.load(bundle, fast=True)
    right = [f"{path}\t{recognizer.transcribe_file(path).text}" for path in SAMPLES]
    assert printed.splitlines() == right


def test_errors_are_one_line_each_and_the_other_files_are_done(
    litert_js: str, portable_bundles: dict[str, Path], tmp_path: Path
) -> None:
    script = str(WEB / "transcribe.js")
    wrong, short = tmp_path / "wrong.wav", tmp_path / "short.wav"
    wrong.write_bytes(b"RIFF")
    soundfile.write(short, np.zeros(784, np.int16), 16000)
    bundle = str(portable_bundles["int8"])
    files = [*map(str, (wrong, tmp_path / "missing.wav", short, SAMPLES[0]))]
    command = [litert_js, script, "--bundle", bundle, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == f"{SAMPLES[0]}\tyes stop right seven\n"
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")] == [
        f"error: {wrong}: must be 16-bit PCM with one channel at 16000 Hz: "
        "ffmpeg -i FILE -ac 1 -ar 16000 -c:a pcm_s16le out.wav",
        f"error: {tmp_path}/missing.wav: cannot be read: there is no such file",
        f"error: {short}: the recording lasts 0.049 s, too short for speech",
    ]
    for arguments, message in (
        (["--bundle", str(tmp_path)], "error: bundle.json: there is none; not a bundle"),
        (
            ["--bundle", str(default_bundle()), "--model", "model.tflite"],
            "error: model.tflite: has variable tensors, which LiteRT.js cannot run",
        ),
    ):
        command = [litert_js, script, *arguments, str(SAMPLES[0])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert message in done.stderr


def test_an_npm_package_can_be_packed_and_has_all_that_it_imports(
    litert_js: str, tmp_path: Path
) -> None:
    npm = ["npm", "pack", "--silent", "--pack-destination", str(tmp_path)]
    name = subprocess.check_output(npm, cwd=WEB, text=True).strip()
    subprocess.run(["tar", "xzf", name], cwd=tmp_path, check=True)
    packed = tmp_path / "package"
    (tmp_path / "package" / "node_modules").symlink_to(WEB / "node_modules")
    code = "import('speechlstm').then(m => console.log(Object.keys(m).join()))"
    printed = subprocess.check_output([litert_js, "-e", code], cwd=packed, text=True)
    assert {"Recognizer", "BundleError", "Stream"} <= set(printed.strip().split(","))
    types = (packed / "types" / "src" / "recognizer.d.ts").read_text()  # tsc has checked all
    assert "transcribe(samples: Float32Array" in types
