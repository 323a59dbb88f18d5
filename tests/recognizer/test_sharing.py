from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.errors import AudioError, DamagedAudioError, DataError
from speechlstm.recognizer import Recognizer, sharing
from speechlstm.recognizer.sharing import Segment
from speechlstm.transcript import Transcript

Say = Callable[[str], NDArray[np.float32]]
WORDS = ["one", "two", "three", "four"] * 18


@pytest.fixture
def recording(tmp_path: Path, spoken: Say) -> Path:
    """A word every 1.3 s for a minute and a half."""
    pieces = [np.pad(spoken(f" {word}"), (0, 20800))[:20800] for word in WORDS]
    soundfile.write(tmp_path / "long.wav", np.concatenate(pieces), 16000)
    return tmp_path / "long.wav"


@pytest.fixture(scope="module")
def recognizer(levels_bundle: Path) -> Recognizer:
    return Recognizer.load(levels_bundle)


def test_segments_are_told_in_their_order(recognizer: Recognizer, recording: Path) -> None:
    segments: list[Segment] = []
    transcript = recognizer.transcribe_file(recording, on_segment=segments.append)
    assert len(segments) > 4
    assert segments[0].start == 0
    assert all(a.end == pytest.approx(b.start) for a, b in pairwise(segments))
    assert segments[-1].end == transcript.duration == pytest.approx(1.3 * len(WORDS))
    assert all(segment.path == recording for segment in segments)
    words = [word for segment in segments for word in segment.transcript.words]
    assert tuple(words) == transcript.words


@pytest.mark.slow
def test_processes_share_one_recording(
    recognizer: Recognizer, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = recognizer.transcribe_file(recording)
    mapped: list[int] = []
    original = sharing.map_in_processes

    def at_once(load: Any, items: Any, jobs: int) -> Any:
        mapped.append(jobs)
        return original(load, items, jobs, patience=0.0)

    monkeypatch.setattr(sharing, "map_in_processes", at_once)
    assert recognizer.transcribe_file(recording, jobs=2) == alone
    assert mapped == [2]


def test_recordings_are_not_read_far_ahead(
    recognizer: Recognizer, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    num_read = num_done = 0
    original = sharing.read_segments

    def counted(*given: Any, **options: Any) -> Any:
        nonlocal num_read
        for segment in original(*given, **options):
            num_read += 1
            yield segment

    monkeypatch.setattr(sharing, "read_segments", counted)

    def done(segment: Segment) -> None:
        nonlocal num_done
        num_done += 1
        assert num_read <= num_done + 1

    recognizer.transcribe_file(recording, on_segment=done)
    assert num_read == num_done > 4


def test_what_cannot_be_read_comes_in_its_place(
    recognizer: Recognizer, recording: Path, tmp_path: Path, spoken: Say
) -> None:
    (tmp_path / "cut.wav").write_bytes(recording.read_bytes()[:1_000_000])
    (tmp_path / "bad.wav").write_bytes(b"no recording")
    soundfile.write(tmp_path / "short.wav", spoken("hello"), 16000)
    paths = [tmp_path / name for name in ("bad.wav", "cut.wav", "no.wav", "short.wav")]
    for channels in ("mix", "separate", 1):
        results: list[Transcript | DataError] = list(
            recognizer.transcribe_files(paths, channels, return_errors=True)  # type: ignore[arg-type]
        )
        bad, cut, missing, short = results
        assert isinstance(bad, AudioError)
        assert isinstance(missing, AudioError)
        assert isinstance(cut, DamagedAudioError)
        assert cut.partial.text == " ".join(WORDS[:24])
        assert cut.partial.lost
        assert isinstance(short, Transcript)
        assert short.text == "hello"


def test_an_error_in_the_middle_ends_the_recording_alone(
    recognizer: Recognizer, recording: Path, tmp_path: Path, spoken: Say
) -> None:
    samples, _ = soundfile.read(recording, dtype="float32")
    samples[1_000_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", spoken("hello"), 16000)
    heard: list[Segment] = []
    nan, short = recognizer.transcribe_files(
        [tmp_path / "nan.wav", tmp_path / "short.wav"], return_errors=True, on_segment=heard.append
    )
    assert isinstance(nan, AudioError)
    assert not isinstance(nan, DamagedAudioError)
    assert len(heard) > 2  # what was done before had been told
    assert isinstance(short, Transcript)
    assert short.text == "hello"
