"""The measure of speakers in the recipe of classifiers, by how loud they are."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.classification import Classifier
from speechlstm.corpora.manifest import Utterance, write_manifest

ROOT = Path(__file__).parents[2]
LOUDNESS = ROOT / "tests" / "assets" / "loudness.tflite"


def test_pairs_of_all_recordings_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts" / "recipes")
    script = runpy.run_path(str(ROOT / "scripts" / "recipes" / "classify.py"))
    utterances = []
    # Two speakers on either side of the mean, and a recording of the second that is on the first's.
    for number, level in enumerate((0.1, 0.12, 0.9, 0.88, 0.2)):
        soundfile.write(tmp_path / f"{number}.wav", level * np.tile([1, -1], 4000), 16000)
        speaker = "soft" if number < 2 else "loud"
        utterances.append(Utterance(f"u{number}", f"{number}.wav", 0.5, speaker=speaker))
    write_manifest(tmp_path / "all.jsonl", utterances)
    mean = np.array([0.5, 0.5], np.float32)  # embeddings are (level, 0)
    found = script["verification"](Classifier.load(LOUDNESS), tmp_path / "all.jsonl", mean)
    assert (found["speakers"], found["same"], found["different"]) == (2, 4, 6)
    # At the cosine of u3 and u4, one of four pairs of a speaker is rejected, two of six accepted.
    assert found["equal_error_rate"] == pytest.approx((1 / 4 + 2 / 6) / 2, abs=1e-4)
