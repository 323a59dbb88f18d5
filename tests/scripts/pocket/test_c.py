"""The C program, compiled as its page says, beside Python."""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import PORTABLE_MODEL, read_bundle
from speechlstm.decoding.greedy import greedy_decode

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "scripts" / "pocket" / "c" / "recognise.c"
MODEL = ROOT / "tests" / "assets" / "everywhere.tflite"
SAMPLES = ROOT / "data" / "samples"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program, with sanitizers where the compiler has them."""
    package = importlib.util.find_spec("ai_edge_litert")
    assert package
    (folder,) = package.submodule_search_locations or ()
    library = Path(folder) / "libLiteRt.so"
    if sys.platform != "linux" or not shutil.which("gcc") or not library.exists():
        pytest.skip("needs Linux, gcc and LiteRT's library")
    path = tmp_path_factory.mktemp("c") / "recognise"
    command = ["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-o", path, SOURCE]
    command += [library, f"-Wl,-rpath,{folder}"]
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    done = subprocess.run([*command, *sanitizers], capture_output=True, text=True, check=False)
    if "cannot find" in done.stderr:  # the sanitizers' libraries
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


def run(program: Path, *arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "offset", "divisor"),
    [("date", 0, 1), ("answers", 0, 1), ("answers", 3000, 1), ("date", 0, 64)],
)
def test_texts_and_log_probs_are_those_of_python(
    program: Path, name: str, offset: int, divisor: int, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(SAMPLES / f"{name}.wav", dtype="int16")
    samples //= np.int16(divisor)
    soundfile.write(tmp_path / "a.wav", samples + np.int16(offset), rate)
    done = run(program, MODEL, tmp_path / "a.wav", tmp_path / "log_probs.f32")
    assert done.returncode == 0, done.stderr[-2000:]
    model = LiteRTAcousticModel(read_bundle(MODEL))
    expected = model.outputs(Audio.from_array(samples, rate).levelled())
    found = np.fromfile(tmp_path / "log_probs.f32", "<f4").reshape(expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-3 if offset else 1e-4)
    text = greedy_decode(expected, model.alphabet, model.frame_seconds).text
    assert len(text) > 10
    assert done.stdout.strip() == text


@pytest.mark.slow
def test_a_model_for_one_length_takes_what_is_shorter(program: Path, tmp_path: Path) -> None:
    from speechlstm.training.acoustic.export import export

    export(MODEL, tmp_path / "4s", targets=["everywhere"], max_seconds=4)
    fixed = tmp_path / "4s" / PORTABLE_MODEL
    outputs = []
    for model in (MODEL, fixed):
        done = run(program, model, SAMPLES / "date.wav", tmp_path / "log_probs.f32")
        assert done.returncode == 0, done.stderr[-2000:]
        outputs.append((done.stdout, np.fromfile(tmp_path / "log_probs.f32", "<f4")))
    assert outputs[0][0] == outputs[1][0]
    np.testing.assert_allclose(outputs[0][1], outputs[1][1], atol=3e-4)
    soundfile.write(tmp_path / "long.wav", np.zeros(64001), 16000)
    done = run(program, fixed, tmp_path / "long.wav")
    assert done.returncode == 1
    assert f"recognise: {tmp_path}/long.wav: is longer than the model takes" in done.stderr


def changed(path: Path, *replacements: tuple[bytes, bytes]) -> Path:
    """The model with another description of the same length, and a right checksum."""
    content = MODEL.read_bytes()[:-32]
    start = content.index(b'"alphabet"')
    description = content[start : start + 700]
    for old, new in replacements:
        assert old in description and len(old) == len(new)
        description = description.replace(old, new, 1)
    content = content[:start] + description + content[start + 700 :]
    path.write_bytes(content + hashlib.sha256(content).digest())
    return path


@pytest.mark.parametrize(
    "replacements",
    [
        [(b'   " ",', b'   "@",'), (b'   "c",', b'   " ",')],
        [(b'"separator": ""', b'"separator":" "'), (b'   " ",', b'   "@",')],
    ],
    ids=["spaces", "separator"],
)
def test_words_are_separated_as_in_python(
    program: Path, replacements: list[tuple[bytes, bytes]], tmp_path: Path
) -> None:
    changed_model = changed(tmp_path / "model.tflite", *replacements)
    done = run(program, changed_model, SAMPLES / "date.wav")
    model = LiteRTAcousticModel(read_bundle(changed_model))
    log_probs = model.log_probs(Audio.load(SAMPLES / "date.wav"))
    text = greedy_decode(log_probs, model.alphabet, model.frame_seconds).text
    assert text.count(" ") > 3
    assert done.stdout == f"{text}\n", done.stderr[-2000:]


def test_a_damaged_model_is_refused(program: Path, tmp_path: Path) -> None:
    content = MODEL.read_bytes()
    for place in (100, len(content) // 2, len(content) - 60, len(content) - 1):
        damaged = bytearray(content)
        damaged[place] ^= 1
        (tmp_path / "damaged.tflite").write_bytes(damaged)
        done = run(program, tmp_path / "damaged.tflite", SAMPLES / "date.wav")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines() == [
            f"recognise: {tmp_path}/damaged.tflite: damaged, or not written by speechlstm: wrong "
            "checksum at its end"
        ]
    for replacement, message in (
        ((b'"symbols"', b'"symbolx"'), "its description is incomplete"),
        ((b'"frame_stack": 3', b'"frame_stack": 0'), "its description has numbers that cannot be"),
        ((b'   "d",', b'"","x",'), "has other tensors than its description"),
    ):
        wrong = changed(tmp_path / "wrong.tflite", replacement)
        done = run(program, wrong, SAMPLES / "date.wav")
        assert (done.returncode, done.stdout) == (1, "")
        assert f"recognise: {wrong}: {message}" in done.stderr


def test_chunks_before_the_samples_are_skipped(program: Path, tmp_path: Path) -> None:
    wav = (SAMPLES / "answers.wav").read_bytes()
    extra = b"LIST\x03\0\0\0abc\0"  # of odd length, and so padded
    (tmp_path / "x.wav").write_bytes(wav[:12] + extra + wav[12:])
    plain = run(program, MODEL, SAMPLES / "answers.wav").stdout
    assert run(program, MODEL, tmp_path / "x.wav").stdout == plain != ""


def test_what_cannot_be_read_is_named(program: Path, tmp_path: Path) -> None:
    sine = np.sin(np.arange(8000))
    soundfile.write(tmp_path / "rate.wav", sine, 8000)
    soundfile.write(tmp_path / "stereo.wav", np.stack([sine, sine], 1), 16000)
    soundfile.write(tmp_path / "float.wav", sine, 16000, subtype="FLOAT")
    (tmp_path / "cut.wav").write_bytes((SAMPLES / "date.wav").read_bytes()[:45])
    for wav in sorted(tmp_path.glob("*.wav")):
        done = run(program, MODEL, wav)
        assert (done.returncode, done.stdout) == (1, ""), wav
        reason = "not a WAV file of 16-bit PCM, mono, at the model's sample rate"
        assert f"recognise: {wav}: {reason}" in done.stderr
    whole = (SAMPLES / "date.wav").read_bytes()
    (tmp_path / "truncated.wav").write_bytes(whole[:-1])
    done = run(program, MODEL, tmp_path / "truncated.wav")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"recognise: {tmp_path}/truncated.wav: is truncated" in done.stderr
    (tmp_path / "piped.wav").write_bytes(whole[:40] + b"\xff" * 4 + whole[44:])  # of unknown length
    expected = run(program, MODEL, SAMPLES / "date.wav").stdout
    assert run(program, MODEL, tmp_path / "piped.wav").stdout == expected
    soundfile.write(tmp_path / "short.wav", sine[:799], 16000)
    reason = "lasts less than 0.05 s, too short for speech"
    short = tmp_path / "short.wav"
    assert f"recognise: {short}: {reason}" in run(program, MODEL, short).stderr
    assert f"recognise: {wav}: not a .tflite file" in run(program, wav, wav).stderr
    for missing in (tmp_path / "missing", tmp_path):
        assert f"recognise: {missing}: cannot be read" in run(program, missing, wav).stderr
        assert f"recognise: {missing}: cannot be read" in run(program, MODEL, missing).stderr
    assert "recognise: usage: " in run(program).stderr
    (tmp_path / "cut.tflite").write_bytes(MODEL.read_bytes()[:1000])
    done = run(program, tmp_path / "cut.tflite", wav)
    assert f"recognise: {tmp_path}/cut.tflite: damaged" in done.stderr


def test_it_is_short() -> None:
    assert len(SOURCE.read_text().splitlines()) < 120
