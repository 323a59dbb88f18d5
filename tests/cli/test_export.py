import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import read_bundle, write_bundle, write_decoder
from speechlstm.cli import main
from speechlstm.config import DecodeConfig, NetworkConfig, Settings
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import BundleError
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.run import Run
from speechlstm.training.engine.checkpoint import save_checkpoint

ASSETS = Path(__file__).parents[1] / "assets"


def export(*arguments: Path | str) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose only epoch has ended, with two utterances to validate on."""
    folder = tmp_path_factory.mktemp("export")
    generator = np.random.default_rng(1)
    for name in ("x", "y"):
        soundfile.write(folder / f"{name}.wav", 0.1 * generator.normal(size=8000), 16000)
    valid = folder / "valid.jsonl"
    write_manifest(valid, [Utterance(i, f"{i}.wav", 0.5, "a b") for i in ("x", "y")])
    settings = Settings(model=NetworkConfig(num_layers=1, num_units=8))
    run = Run(folder / "run", settings, Alphabet((" ", "a", "b")), (valid,), (valid,))
    run.create()
    keras.utils.set_random_seed(1)
    network = run.new_network()
    for variable in network.trainable_variables:  # the converter folds zeros away
        variable.assign(variable + keras.random.normal(variable.shape, stddev=0.1))
    save_checkpoint(run.best, {"model": network.variables})
    epoch = {"epoch": 1, "valid_wer": 0.5, "valid_cer": 0.25}
    (run.path / "metrics.jsonl").write_text(json.dumps(epoch) + "\n")
    return run.path


@pytest.mark.slow
def test_prints_the_table_and_writes_the_bundle(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    result = export(run, "-o", path, "--quantize", "int8", "--golden", tmp_path / "golden")
    assert result.exit_code == 0, result.stderr
    tables = result.stdout.split("\n\n")
    for table, file in zip(tables, ("model.tflite", "model.portable.tflite"), strict=True):
        rows = dict(line.split("  ", 1) for line in table.splitlines())
        assert list(map(str.strip, rows)) == [
            "file", "quantization", "size", "RTF", "max difference", "WER", "variables",
            "operators",
        ]  # fmt: skip
        assert rows.popitem() and file in table
        assert "2 utterances" in table
    lines = result.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "Android, iOS",
        "browser, Node",
        "C and others",
    ]
    assert f"{path / 'model.tflite'} with TensorFlow Lite's Interpreter" in lines[0]
    assert f"{path / 'model.portable.tflite'} with LiteRT.js" in lines[1]
    bundle = read_bundle(path)
    assert bundle.model_path == path / "model.tflite"
    golden = json.loads((tmp_path / "golden" / "golden.json").read_text())
    assert golden["tolerance"] == {"model.tflite": 0.15, "model.portable.tflite": 0.15}
    assert bundle.acoustic.network.num_units == 8
    assert bundle.acoustic.training["best_epoch"]["valid_wer"] == 0.5


@pytest.mark.slow
def test_a_tuned_bundle_keeps_its_decoder(
    run: Path, tmp_path: Path, tiny_lm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle"
    assert export(run, "-o", bundle, "--target", "interpreter").exit_code == 0
    trie = NGramModel.open(tiny_lm).trie
    write_packed(tmp_path / "a.lm", trie, read_bundle(bundle).acoustic.alphabet.sha256)
    config = DecodeConfig(lm_weight=0.25)
    tuned = DecoderSpec(config, lm=tmp_path / "a.lm", calibration=Calibration(0.5, 0.0))
    write_decoder(bundle, tuned)
    result = export(run, "-o", bundle, "--quantize", "float16", "--target", "interpreter")
    assert result.exit_code == 0
    assert "Kept the decoder of the previous bundle, with lm.ngram." in result.stderr
    expected = DecoderSpec(config, lm=bundle / "lm.ngram")
    assert read_bundle(bundle).decoder == expected
    write_packed(tmp_path / "a.lm", trie, "0" * 64)
    other = tmp_path / "other"
    shutil.copytree(bundle, other)
    whole = read_bundle(other).acoustic
    alphabet = replace(whole, alphabet=Alphabet((" ", "a", "b", "c")))
    write_bundle(other, read_bundle(other).model_path.read_bytes(), alphabet, expected)
    monkeypatch.delattr("speechlstm.training.acoustic.export.convert_target")  # not called
    result = export(run, "-o", other, "--target", "interpreter")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is for other labels than the new model, and lm.ngram would be lost" in result.stderr
    assert (other / "lm.ngram").exists()


@pytest.mark.slow
def test_a_bundle_gets_another_form_and_keeps_its_decoder(
    run: Path, tmp_path: Path, tiny_lm: Path
) -> None:
    bundle, pocket = tmp_path / "bundle", tmp_path / "pocket"
    options = ("--target", "interpreter", "--quantize", "int8")
    assert export(run, "-o", bundle, *options).exit_code == 0
    trie = NGramModel.open(tiny_lm).trie
    write_packed(tmp_path / "a.lm", trie, read_bundle(bundle).acoustic.alphabet.sha256)
    write_decoder(bundle, DecoderSpec(lm=tmp_path / "a.lm", calibration=Calibration(0.5, 0.0)))
    before = read_bundle(bundle)
    for _ in range(2):  # the second time over the first
        result = export(bundle, "-o", pocket, "--target", "everywhere")
        assert result.exit_code == 0, result.stderr
        assert "Kept the decoder" not in result.stderr
        assert "quantization    int8" in result.stdout
        after = read_bundle(pocket)
        assert sorted(p.name for p in pocket.iterdir()) == [
            "bundle.json", "lm.ngram", "model.portable.tflite",
        ]  # fmt: skip
        assert after.decoder == replace(before.decoder, lm=pocket / "lm.ngram")
        assert after.acoustic == before.acoustic
    samples = Audio(0.1 * np.random.default_rng(3).normal(size=8000).astype(np.float32), 16000)
    found, expected = (LiteRTAcousticModel(b).outputs(samples) for b in (after, before))
    assert np.abs(found - expected).max() < 0.15
    result = export(bundle, "-o", bundle)
    assert result.exit_code == 2
    assert "is also given by 'RUN'; write to another path" in result.stderr


@pytest.mark.slow
def test_a_portable_file_gets_a_fixed_length(tmp_path: Path) -> None:
    source, path = ASSETS / "everywhere.tflite", tmp_path / "1s"
    result = export(source, "-o", path, "--target", "everywhere", "--seconds", "1")
    assert result.exit_code == 0, result.stderr
    samples = Audio(0.1 * np.random.default_rng(3).normal(size=8000).astype(np.float32), 16000)
    found, expected = (LiteRTAcousticModel(read_bundle(p)) for p in (path, source))
    np.testing.assert_allclose(found.outputs(samples), expected.outputs(samples), atol=3e-4)
    assert (path / "model.portable.tflite").stat().st_size < 1.1 * source.stat().st_size
    with pytest.raises(BundleError, match="takes 1 s of audio at most"):
        found.outputs(Audio(np.zeros(16001, np.float32), 16000))


def test_a_length_is_for_the_portable_model(run: Path, tmp_path: Path) -> None:
    result = export(run, "-o", tmp_path / "b", "--target", "interpreter", "--seconds", "2")
    assert result.exit_code == 2
    assert "--seconds needs --target everywhere or both" in result.stderr


def test_golden_files_replace_nothing_else(run: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = export(run, "-o", tmp_path / "b", "--golden", tmp_path)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path}: has other files, which would be lost; choose another folder\n"
    )


def test_takes_other_utterances_to_verify_on(run: Path, tmp_path: Path) -> None:
    result = export(run, "-o", tmp_path / "bundle", "--verify", tmp_path / "missing.jsonl")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {tmp_path / 'missing.jsonl'}: ")


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    result = export(tmp_path, "-o", tmp_path / "bundle")
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path}: holds no run of an acoustic model: "
        "No such file or directory: run.json\n"
    )


def test_a_run_without_a_model_yet_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes((run / "run.json").read_bytes())
    result = export(tmp_path, "-o", tmp_path / "bundle")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line == (
        f"Error: {tmp_path}: no epoch of this run has ended yet; continue it with --resume"
    )
