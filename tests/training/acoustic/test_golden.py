import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.acoustic import LiteRTAcousticModel
from speechlstm.audio import Audio
from speechlstm.bundle import read_bundle, write_bundle
from speechlstm.decoding.greedy import greedy_decode
from speechlstm.errors import ConfigError
from speechlstm.training.acoustic.golden import write_golden
from speechlstm.training.acoustic.recordings import synthetic_recordings

ASSETS = Path(__file__).parents[2] / "assets"
MODELS = {"model.tflite": "interpreter", "model.portable.tflite": "everywhere"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    contents = {name: (ASSETS / f"{asset}.tflite").read_bytes() for name, asset in MODELS.items()}
    spec = read_bundle(ASSETS / "everywhere.tflite").acoustic
    write_bundle(tmp_path / "bundle", contents, spec)
    return tmp_path / "bundle"


@pytest.mark.slow
def test_a_port_finds_all_it_needs(bundle: Path, tmp_path: Path) -> None:
    recordings = [*synthetic_recordings(16000, None), (Audio(np.ones(800, np.float32), 16000), "a")]
    folder = tmp_path / "golden"
    for _ in range(2):  # the second time over the first
        write_golden(folder, bundle, recordings)
    index = json.loads((folder / "golden.json").read_text())
    assert index["sample_rate"] == 16000
    assert index["frame_seconds"] == 0.03
    assert index["tolerance"] == dict.fromkeys(MODELS, 1e-4)
    assert [r["reference"] for r in index["recordings"]] == ["", "", "a"]
    named = {"golden.json"}
    for recording in index["recordings"]:
        pcm, rate = soundfile.read(folder / recording["wav"], dtype="int16")
        named.add(recording["wav"])
        assert rate == 16000
        samples = pcm.astype(np.float32) / 32768
        for name, output in recording["outputs"].items():
            named.add(output["log_probs"])
            found = np.fromfile(folder / output["log_probs"], "<f4").reshape(output["shape"])
            assert len(found) == -(-(1 + len(pcm) // 160) // 3)
            model = LiteRTAcousticModel(read_bundle(ASSETS / f"{MODELS[name]}.tflite"))
            expected = model.outputs(Audio(samples, 16000).levelled())
            np.testing.assert_allclose(found, expected, atol=1e-5)
            assert output["text"] == greedy_decode(expected, model.alphabet, 0.03).text
    assert {path.name for path in folder.iterdir()} == named


def test_other_files_are_not_replaced(bundle: Path) -> None:
    for path in (bundle, bundle / "bundle.json"):
        with pytest.raises(ConfigError, match="has other files, which would be lost"):
            write_golden(path, bundle, synthetic_recordings(16000, 800))
    assert read_bundle(bundle)


@pytest.mark.slow
def test_nothing_among_golden_files_is_lost(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "golden"
    write_golden(folder, bundle, synthetic_recordings(16000, 800)[:1])
    write_golden(folder, bundle, synthetic_recordings(16000, 800)[:1])
    (folder / "notes.txt").write_text("precious")
    with pytest.raises(ConfigError, match="has other files, which would be lost"):
        write_golden(folder, bundle, synthetic_recordings(16000, 800)[:1])
    assert (folder / "notes.txt").read_text() == "precious"
