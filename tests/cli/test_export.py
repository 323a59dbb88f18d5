import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from speechlstm.bundle import read_bundle, write_bundle, write_decoder
from speechlstm.cli import main
from speechlstm.config import DecodeConfig, NetworkConfig, Settings
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.ngram.packed import write_packed
from speechlstm.text.alphabet import Alphabet
from speechlstm.training.acoustic.run import Run
from speechlstm.training.engine.checkpoint import save_checkpoint


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
    save_checkpoint(run.best, {"model": run.new_network().variables})
    epoch = {"epoch": 1, "valid_wer": 0.5, "valid_cer": 0.25}
    (run.path / "metrics.jsonl").write_text(json.dumps(epoch) + "\n")
    return run.path


@pytest.mark.slow
def test_prints_the_table_and_writes_the_bundle(run: Path, tmp_path: Path) -> None:
    result = export(run, "-o", tmp_path / "bundle", "--quantize", "int8")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = dict(line.split("  ", 1) for line in result.stdout.splitlines())
    assert list(map(str.strip, rows)) == [
        "quantization", "size", "RTF", "max difference", "WER", "operators",
    ]  # fmt: skip
    assert "2 utterances" in result.stdout
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.acoustic.network.num_units == 8
    assert bundle.acoustic.training["best_epoch"]["valid_wer"] == 0.5


@pytest.mark.slow
def test_a_tuned_bundle_keeps_its_decoder(run: Path, tmp_path: Path, tiny_lm: Path) -> None:
    bundle = tmp_path / "bundle"
    assert export(run, "-o", bundle).exit_code == 0
    trie = NGramModel.open(tiny_lm).trie
    write_packed(tmp_path / "a.lm", trie, read_bundle(bundle).acoustic.alphabet.sha256)
    config = DecodeConfig(lm_weight=0.25)
    tuned = DecoderSpec(config, lm=tmp_path / "a.lm", calibration=Calibration(0.5, 0.0))
    write_decoder(bundle, tuned)
    result = export(run, "-o", bundle, "--quantize", "float16")
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
    result = export(run, "-o", other)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is for other labels than the new model, and lm.ngram would be lost" in result.stderr
    assert (other / "lm.ngram").exists()


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
    assert line.startswith(f"Error: {tmp_path / 'best.npz'}: ")
