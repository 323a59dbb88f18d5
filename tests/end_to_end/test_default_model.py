from pathlib import Path

import pytest

from speechlstm.recognizer import Recognizer

SAMPLES = Path(__file__).parent.parent.parent / "data" / "samples"


@pytest.mark.parametrize("recording", sorted(SAMPLES.glob("*.wav")), ids=lambda path: path.stem)
def test_the_package_recognises_its_samples(recording: Path) -> None:
    transcript = Recognizer.load().transcribe_file(recording)
    assert transcript.text == recording.with_suffix(".txt").read_text(encoding="utf-8").strip()
    ends = [0.0, *(word.end for word in transcript.words)]
    assert all(end <= word.start for end, word in zip(ends, transcript.words, strict=False))
    assert ends[-1] <= transcript.duration
