"""What JavaScript does with waveforms before and after the network, compared with Python."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from speechlstm import Audio
from speechlstm.audio import split
from speechlstm.audio.activity import SpeechDetector

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "pocket" / "web" / "test" / "sounds.js"
SPEECH = [Audio.load(path).samples for path in sorted((ROOT / "data" / "samples").glob("*.wav"))]
RATE = 16000

Sound = NDArray[Any]


def javascript(node: str, folder: Path, sounds: list[Sound]) -> list[dict[str, Any]]:
    files = [folder / f"{number}.f32" for number in range(len(sounds))]
    for file, sound in zip(files, sounds, strict=True):
        file.write_bytes(sound.astype("<f4").tobytes())
    command = [node, str(SCRIPT), *map(str, files)]
    found: list[dict[str, Any]] = json.loads(subprocess.check_output(command))
    return found


def test_what_can_be_speech_is_decided_as_in_python(node: str, tmp_path: Path) -> None:
    time = np.arange(2 * RATE) / RATE
    noise = np.random.default_rng(3).normal(size=len(time))
    sounds = [
        *SPEECH,
        0.05 * SPEECH[0] + 0.9,
        np.zeros(RATE),
        0.5 * np.sin(2 * np.pi * 1000 * time),
        0.2 * np.sin(2 * np.pi * 697 * time) + 0.2 * np.sin(2 * np.pi * 1209 * time),
        0.3 * np.sign(np.sin(2 * np.pi * 300 * time)),
        0.1 * noise,
        0.001 * noise.cumsum(),
        0.1 * noise[:800],
    ]
    given = set()
    for sound, found in zip(sounds, javascript(node, tmp_path, sounds), strict=True):
        answers = found["answers"]
        detector = SpeechDetector(sound.astype(np.float32), RATE)
        right = [detector.is_speech_possible(i / 10, i / 10 + 0.3) for i in range(len(answers))]
        assert answers == right
        given.update(answers)
    assert given == {True, False}


def test_recordings_are_cut_as_in_python(node: str, tmp_path: Path) -> None:
    long = np.concatenate(SPEECH)
    click = SPEECH[1].copy()
    click[5000] = 9
    sounds = [
        long,
        np.concatenate([long, 0.03 * long, long]),
        np.concatenate([SPEECH[0], 0.02 * SPEECH[1], SPEECH[2]]) + 0.3,
        np.concatenate([np.zeros(10 * RATE), SPEECH[3], np.zeros(12 * RATE)]),
        np.zeros(25 * RATE),
        long + 0.5,
        np.full(25 * RATE, 0.3),
        SPEECH[4][:800],
        1.2 * SPEECH[0] / np.abs(SPEECH[0]).max(),
        8 * SPEECH[0] / np.abs(SPEECH[0]).max(),
        click,
    ]
    numbers = []
    for sound, found in zip(sounds, javascript(node, tmp_path, sounds), strict=True):
        segments = list(split(Audio(sound.astype(np.float32), RATE)))
        starts = [start for start, _, _ in found["segments"]]
        assert starts == pytest.approx([start for start, _ in segments], abs=1e-9)
        for (_, length, power), (_, audio) in zip(found["segments"], segments, strict=True):
            assert length == len(audio.samples)
            assert power == pytest.approx(np.square(audio.samples, dtype=np.float64).sum(), 1e-5)
        numbers.append(len(segments))
    assert numbers[1] > numbers[0] > 1
    assert numbers[2] == 3
