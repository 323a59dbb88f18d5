import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import Blocks, RawPipe, RealTime, read_audio, read_blocks
from speechlstm.errors import AudioError, DamagedAudioError


def test_blocks_of_a_recording_are_the_recording(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (30000, 2))
    soundfile.write(tmp_path / "a.flac", samples, 44100)
    blocks = list(read_blocks(tmp_path / "a.flac", 16000))
    np.testing.assert_array_equal(
        np.concatenate(blocks), read_audio(tmp_path / "a.flac", 16000).samples
    )


def test_a_truncated_recording_is_read_before_it_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(32000, 0.25), 16000)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(content[:32044])
    blocks = read_blocks(tmp_path / "a.wav", 16000)
    num_samples = 0
    with pytest.raises(DamagedAudioError, match=r"truncated at 1\.00 s"):
        for block in blocks:
            num_samples += len(block)
    assert num_samples == 16000


def test_a_missing_recording_is_named() -> None:
    with pytest.raises(AudioError, match=r"missing\.wav: cannot be read"):
        list(read_blocks("missing.wav", 16000))


def test_samples_of_a_pipe_come_whole_however_they_are_written() -> None:
    samples = np.arange(-5000, 5000, dtype=np.int16)
    reading, writing = os.pipe()
    content = samples.astype("<i2").tobytes()
    for first in range(0, len(content), 777):  # most writes end within a sample
        os.write(writing, content[first : first + 777])
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        blocks = list(RawPipe(file, 8000))
    np.testing.assert_array_equal(np.concatenate(blocks), samples)


def test_real_time_takes_as_long_as_the_recording() -> None:
    samples = np.arange(4000, dtype=np.float32)
    source = RealTime(Blocks([samples[:1000], samples[1000:]], 16000))
    start = time.monotonic()
    blocks = list(source)
    assert time.monotonic() - start >= 0.25
    np.testing.assert_array_equal(np.concatenate(blocks), samples)
    assert max(map(len, blocks)) == 1600
