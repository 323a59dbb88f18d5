import runpy
import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import Audio
from speechlstm.recognizer import Recognizer

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "data" / "samples"


slow = pytest.mark.slow


@cache
def plain() -> Recognizer:
    return Recognizer.load()


@pytest.mark.parametrize(
    "recording",
    [
        pytest.param(path, id=path.stem, marks=[] if path.stem in {"date", "zip"} else [slow])
        for path in sorted(SAMPLES.glob("*.wav"))
    ],
)
def test_the_package_recognises_its_samples(recording: Path) -> None:
    transcript = plain().transcribe_file(recording)
    assert transcript.text == recording.with_suffix(".txt").read_text(encoding="utf-8").strip()
    ends = [0.0, *(word.end for word in transcript.words)]
    assert all(end <= word.start for end, word in zip(ends, transcript.words, strict=False))
    assert ends[-1] <= transcript.duration


@slow
def test_the_lexicon_reads_phones_and_new_hot_words_are_sounded_out() -> None:
    spoken, spelled = plain(), Recognizer.load(greedy=True)
    assert "AH" in spoken.model.alphabet.symbols
    assert "a" in spelled.model.alphabet.symbols
    for phrase in ("seventy six", "sevensix"):  # no lexicon has the second
        hot = Recognizer.load(hot_words=[phrase])
        assert hot.model.alphabet == spoken.model.alphabet


@slow
@pytest.mark.parametrize("weight", [0.7, 3.0, 10.0])
def test_hot_words_that_are_not_said_change_nothing(weight: float) -> None:
    hot_words = (
        "electroencephalographically",
        "esophagogastroduodenoscopy",
        "september",
        "julia fortune",
        "open the gate",
    )
    hot = Recognizer.load(hot_words=hot_words, hot_word_weight=weight)
    for name in ("date", "answers", "reading"):
        recording = SAMPLES / f"{name}.wav"
        assert hot.transcribe_file(recording) == plain().transcribe_file(recording)


@slow
@pytest.mark.skipif(not shutil.which("flite"), reason="needs flite, which speaks the words")
@pytest.mark.parametrize("weight", [1.25, 10.0])
def test_hot_words_that_are_said_are_found_with_the_words_around_them(
    tmp_path: Path, weight: float
) -> None:
    text = "the patient was given an esophagogastroduodenoscopy on monday"
    recording = tmp_path / "said.wav"
    subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", recording], check=True)
    hot_words = ["esophagogastroduodenoscopy", "hydrochlorothiazide"]
    hot = Recognizer.load(hot_words=hot_words, hot_word_weight=weight)
    assert "esophagogastroduodenoscopy on monday" in hot.transcribe_file(recording).text
    assert "esophagogastroduodenoscopy" not in plain().transcribe_file(recording).text


@pytest.mark.parametrize(
    "level", [pytest.param(0.0, marks=slow), pytest.param(0.001, marks=slow), 0.1]
)
def test_no_words_are_heard_in_noise(level: float) -> None:
    noise = level * np.random.default_rng(1).normal(size=160_000).astype(np.float32)
    assert plain().transcribe(Audio(noise, 16000)).text == ""


@slow
def test_no_words_are_heard_where_nobody_speaks() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "benchmarks" / "non_speech.py"))
    texts = [
        plain().transcribe(Audio(samples, 16000)).text
        for kind in script["SOUNDS"]
        for samples in script["non_speech"](kind, 10)
        if len(samples) > 1600
    ]
    assert len(" ".join(texts).split()) <= 2  # in four minutes; without the check it hears 17


@pytest.mark.parametrize(
    "name",
    [pytest.param("sine", marks=slow), "square", "siren", pytest.param("touch tones", marks=slow)],
)
def test_no_words_are_heard_in_tones(name: str) -> None:
    time = np.arange(5 * 16000) / 16000
    wave = np.sin(2 * np.pi * 700 * time)
    if name == "square":
        wave = np.sign(np.sin(2 * np.pi * 300 * time))
    if name == "siren":  # the network is sure of "oh" in it
        wave = np.sin(2 * np.pi * np.cumsum(900 + 300 * np.sin(4 * np.pi * time)) / 16000)
    if name == "touch tones":
        wave = (wave + np.sin(2 * np.pi * 1209 * time)) * (time % 0.4 < 0.2)
    audio = Audio.from_array(0.2 * wave / np.abs(wave).max(), 16000)
    assert plain().transcribe(audio).text == ""
