from pathlib import Path

import pytest

from speechlstm.bundle import default_bundle
from speechlstm.corpora.manifest import Utterance, write_manifest
from speechlstm.training.acoustic.start import better_start


@pytest.mark.parametrize(
    ("text", "hours", "config", "starts"),
    [
        ("Yes!", 9.9, None, True),
        ("Yes!", 10.0, None, False),
        ("Schön!", 1.0, None, False),
        ("Yes!", 1.0, "[training]\nnum_epochs = 3\n[model]\ndropout = 0.5\n", True),
        ("Yes!", 1.0, "[model]\nnum_layers = 3\n", False),
        ("Yes!", 1.0, "[features]\nsample_rate = 8000\nhigh_hz = 4000.0\n", False),
    ],
)
def test_little_speech_of_its_language_starts_from_the_model_of_the_package(
    tmp_path: Path, text: str, hours: float, config: str | None, starts: bool
) -> None:
    manifest, settings = tmp_path / "m.jsonl", tmp_path / "settings.toml"
    write_manifest(manifest, [Utterance("a", "a.wav", 3600 * hours, text)])
    if config:
        settings.write_text(config)
    found = better_start([manifest], settings if config else None)
    assert found == (default_bundle() if starts else None)
