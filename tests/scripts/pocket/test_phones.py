"""The Android and iOS apps: they compile against stubs, and their decoders agree with Python's."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from speechlstm import Audio, Recognizer
from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.bundle import default_bundle, read_bundle

ROOT = Path(__file__).parents[3]
POCKET = ROOT / "scripts" / "pocket"
STUBS = Path(__file__).parent
JSON = Path("/usr/share/java/com.android.json.jar")  # Debian's libandroid-json-java

pytestmark = pytest.mark.slow


def compile_kotlin(folder: Path) -> list[str]:
    """The command that runs the decoder of the Android app on the JVM."""
    kotlinc = os.environ.get("SPEECHLSTM_KOTLINC") or shutil.which("kotlinc")
    if not (kotlinc and shutil.which("java") and JSON.exists()):
        pytest.skip("kotlinc, java or libandroid-json-java is not installed")
    version = subprocess.run([kotlinc, "-version"], capture_output=True, text=True, check=True)
    if "kotlinc-jvm 1." in version.stderr + version.stdout:
        pytest.skip("kotlinc is too old: Debian's; npm's kotlin-compiler is not")
    jar = folder / "app.jar"
    app = POCKET / "android" / "app" / "src" / "main" / "kotlin"
    sources = [*app.rglob("*.kt"), *(STUBS / "android_stubs").glob("*.kt")]
    options = ["-Werror", "-cp", str(JSON), "-include-runtime", "-d", str(jar)]
    subprocess.run([kotlinc, *map(str, sources), *options], check=True)
    return ["java", "-cp", f"{jar}{os.pathsep}{JSON}", "speechlstm.DecodeKt"]


def compile_swift(folder: Path) -> list[str]:
    """The program that runs the decoder of the iOS classes."""
    swiftc = os.environ.get("SPEECHLSTM_SWIFTC") or shutil.which("swiftc")
    if not swiftc:
        pytest.skip("swiftc is not installed")
    for module in ("LiteRT", "TensorFlowLite"):
        options = ["-parse-as-library", "-emit-module", "-emit-library", "-static"]
        options += ["-module-name", module, "-o", str(folder / f"lib{module}.a")]
        stub = STUBS / "ios_stubs" / f"{module}.swift"
        subprocess.run([swiftc, *options, str(stub)], cwd=folder, check=True)
    program = folder / "decode"
    sources = [*(POCKET / "ios" / "Sources" / "SpeechLSTM").glob("*.swift")]
    sources.append(STUBS / "ios_stubs" / "main.swift")
    options = ["-warnings-as-errors", f"-I{folder}", f"-L{folder}", "-lLiteRT", "-lTensorFlowLite"]
    subprocess.run([swiftc, *map(str, sources), *options, "-o", str(program)], check=True)
    return [str(program)]


@pytest.fixture(scope="module", params=[compile_kotlin, compile_swift], ids=["kotlin", "swift"])
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command that runs the decoder of an app: MODEL, then FILE.f32 NUM_SAMPLES, repeated."""
    compile_app: Callable[[Path], list[str]] = request.param
    return compile_app(tmp_path_factory.mktemp("app"))


def test_words_are_those_of_python(app: list[str], tmp_path: Path) -> None:
    recognizer = Recognizer.load(greedy=True)
    model = LiteRTAcousticModel(read_bundle(default_bundle()))
    arguments, expected = [], []
    for path in sorted((ROOT / "data" / "samples").glob("*.wav")):
        audio = Audio.load(path)
        outputs = model.outputs(audio)
        output = tmp_path / f"{path.stem}.f32"
        output.write_bytes(outputs.astype("<f4").tobytes())
        arguments += [str(output), str(len(audio.samples))]
        log_probs = outputs[:, : model.alphabet.num_labels]
        expected.append(recognizer.decoder.decode(log_probs, audio.duration)[0].words)
    file = tmp_path / "model.tflite"
    shutil.copy(default_bundle() / "model.tflite", file)
    printed = subprocess.check_output([*app, str(file), *arguments], text=True)
    *lines, loud, quiet = printed.splitlines()
    assert (loud, quiet) == ("0.125 -0.125", "0.03 -0.03")
    for line, words in zip(lines, expected, strict=True):
        found = [word.split(",") for word in line.split()]
        assert [text for text, *_ in found] == [word.text for word in words]
        numbers = np.array([row[1:] for row in found], float)
        right = [(word.start, word.end, word.confidence) for word in words]
        np.testing.assert_allclose(numbers, right, atol=1e-9)
    fixed = file.with_name("model.tflite.fixed").read_bytes()
    changed = sum(a != b for a, b in zip(fixed, file.read_bytes(), strict=True))
    assert 0 < changed <= 16  # four numbers of four bytes: the lengths


@pytest.mark.parametrize("damage", ["no model", "cut", "offsets", "version"])
def test_a_damaged_model_is_refused_in_one_line(
    app: list[str], tmp_path: Path, damage: str
) -> None:
    content = (default_bundle() / "model.tflite").read_bytes()
    damaged = {
        "no model": b"RIFF" * 100,
        "cut": content[:2000],
        "offsets": (1 << 31).to_bytes(4, "little") + content[4:],
        "version": content.replace(b'"format_version": 1', b'"format_version": 3'),
    }
    file = tmp_path / "model.tflite"
    file.write_bytes(damaged[damage])
    done = subprocess.run([*app, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    first = done.stderr.splitlines()[0].split("speechlstm.ModelException: ")[-1]
    assert first.startswith(("the ", "this "))
