from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.errors import ManifestError
from speechlstm.training.acoustic.recordings import read_recordings


def write_recordings(folder: Path, texts: list[str | None]) -> Path:
    for i in range(len(texts)):
        soundfile.write(folder / f"{i}.wav", np.full(1600 + i, 0.1, np.float32), 16000)
    utterances = [Utterance(str(i), f"{i}.wav", 0.1, text) for i, text in enumerate(texts)]
    write_manifest(folder / "m.jsonl", utterances)
    return folder / "m.jsonl"


def test_recordings_are_spread_over_the_transcribed_utterances(tmp_path: Path) -> None:
    manifest = write_recordings(tmp_path, ["a", None, "b", "c", "", "d"])
    found = read_recordings([manifest], 16000, max_utterances=3)
    assert [(len(audio.samples) - 1600, text) for audio, text in found] == [
        (0, "a"), (3, "c"), (5, "d"),
    ]  # fmt: skip
    assert len(read_recordings([manifest, manifest], 16000, max_utterances=100)) == 10


def test_without_a_transcript_there_is_nothing_to_verify_on(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no utterance has a text"):
        read_recordings([write_recordings(tmp_path, [None])], 16000, 10)


def test_longer_recordings_are_left_out(tmp_path: Path) -> None:
    manifest = write_recordings(tmp_path, ["a", "b", "c"])
    assert [text for _, text in read_recordings([manifest], 16000, 100, 1601)] == ["a", "b"]
    with pytest.raises(ManifestError, match="no utterance is short enough for a network"):
        read_recordings([manifest], 16000, 100, 1599)
