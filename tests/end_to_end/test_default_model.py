from pathlib import Path

import numpy as np
import pytest

from speechlstm.audio import Audio
from speechlstm.recognizer import Recognizer

SAMPLES = Path(__file__).parent.parent.parent / "data" / "samples"


@pytest.mark.parametrize("recording", sorted(SAMPLES.glob("*.wav")), ids=lambda path: path.stem)
def test_the_package_recognises_its_samples(recording: Path) -> None:
    transcript = Recognizer.load().transcribe_file(recording)
    assert transcript.text == recording.with_suffix(".txt").read_text(encoding="utf-8").strip()
    ends = [0.0, *(word.end for word in transcript.words)]
    assert all(end <= word.start for end, word in zip(ends, transcript.words, strict=False))
    assert ends[-1] <= transcript.duration


def test_the_lexicon_reads_phones_and_new_hot_words_are_sounded_out() -> None:
    spoken, spelled = Recognizer.load(), Recognizer.load(greedy=True)
    assert "AH" in spoken.model.alphabet.symbols
    assert "a" in spelled.model.alphabet.symbols
    hot = Recognizer.load(hot_words=("seventy six",))
    assert hot.model.alphabet == spoken.model.alphabet
    new = Recognizer.load(hot_words=("sevensix",), hot_word_weight=3.0)  # no lexicon has it
    assert new.model.alphabet == spoken.model.alphabet
    assert "sevensix" in new.transcribe_file(SAMPLES / "date.wav").text.split()


@pytest.mark.parametrize("level", [0.0, 0.001, 0.1])
def test_no_words_are_heard_in_noise(level: float) -> None:
    noise = level * np.random.default_rng(1).normal(size=160_000).astype(np.float32)
    assert Recognizer.load().transcribe(Audio(noise, 16000)).text == ""
