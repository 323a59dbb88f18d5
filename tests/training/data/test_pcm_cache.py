import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from speechlstm.audio import Piece
from speechlstm.errors import TrainingError
from speechlstm.parallel import pool
from speechlstm.training.data import pcm_cache
from speechlstm.training.data.pcm_cache import PCMCache, open_cache

LENGTHS = (1600, 2400, 800)


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    """Three recordings at 8 kHz, 24 bits: finer than the cache keeps them."""
    paths = [tmp_path / f"{name}.wav" for name in "abc"]
    generator = np.random.default_rng(1)
    for path, length in zip(paths, LENGTHS, strict=True):
        soundfile.write(path, generator.uniform(-1, 1, length), 8000, "PCM_24")
    return paths


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the recordings that are decoded from here on."""
    names: list[str] = []
    read_audio = pcm_cache.read_audio

    def record(path: Path, sample_rate: int) -> object:
        names.append(path.name)
        return read_audio(path, sample_rate)

    monkeypatch.setattr(pcm_cache, "read_audio", record)
    return names


def waveforms(cache: PCMCache) -> Iterator[NDArray[np.float32]]:
    for index, num_samples in enumerate(cache.num_samples):
        waveform = cache.waveform(index)
        assert (waveform.dtype, waveform.shape) == (np.float32, (num_samples,))
        yield waveform


def test_holds_the_samples_in_16_bits(recordings: list[Path], tmp_path: Path) -> None:
    cache = open_cache(recordings, 8000, tmp_path / "new" / "cache")
    assert (cache.num_samples, cache.total, cache.failures) == (LENGTHS, sum(LENGTHS), {})
    for path, waveform in zip(recordings, waveforms(cache), strict=True):
        samples, _ = soundfile.read(path)
        assert np.abs(waveform - samples).max() <= 0.5 / 32767 + 1e-7


def test_pieces_are_parts_of_a_recording_that_is_decoded_once(
    recordings: list[Path], decoded: list[str], tmp_path: Path
) -> None:
    path = recordings[1]
    pieces = [Piece(path, 0.1, 0.1), Piece(path, 0.0, 0.05), path, Piece(path, 0.2, 0.15)]
    cache = open_cache(pieces, 8000, tmp_path / "cache")
    whole = (soundfile.read(path)[0] * 32767).round() / 32767
    wanted = [whole[800:1600], whole[:400], whole, whole[1600:]]
    for samples, waveform in zip(wanted, waveforms(cache), strict=True):
        np.testing.assert_allclose(waveform, samples, rtol=0, atol=1 / 32767)
    assert (decoded, cache.failures, cache.total) == (["b.wav"], {}, 4400)
    looped = cache.loop_from(800 + 100, 600)  # in the second piece, which has 400 samples
    np.testing.assert_allclose(
        looped, np.resize(np.roll(whole[:400], -100), 600), rtol=0, atol=1 / 32767
    )


def test_pieces_beyond_the_end_or_of_a_missing_recording_fail(
    recordings: list[Path], tmp_path: Path
) -> None:
    beyond, missing = Piece(recordings[0], 0.2, 0.2), Piece(tmp_path / "no.wav", 0.0, 1.0)
    cache = open_cache([beyond, missing, recordings[0]], 8000, tmp_path / "cache")
    assert cache.num_samples == (0, 0, 1600)
    assert cache.failures[0] == f"{beyond}: lies outside the recording, or is too short for speech"
    assert cache.failures[1].startswith(f"{missing.path}: cannot be read")


def test_resamples(recordings: list[Path], tmp_path: Path) -> None:
    assert open_cache(recordings, 16000, tmp_path / "cache").num_samples == (3200, 4800, 1600)


def test_decodes_once(recordings: list[Path], decoded: list[str], tmp_path: Path) -> None:
    first = open_cache(recordings[:2], 8000, tmp_path / "cache")
    again = open_cache(recordings[::-1], 8000, tmp_path / "cache")  # another order, one more
    assert sorted(decoded) == ["a.wav", "b.wav", "c.wav"]
    for a, b in zip(waveforms(first), list(waveforms(again))[:0:-1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_rate_is_another_cache(
    recordings: list[Path], decoded: list[str], tmp_path: Path
) -> None:
    open_cache(recordings[:1], 8000, tmp_path / "cache")
    assert open_cache(recordings[:1], 16000, tmp_path / "cache").num_samples == (3200,)
    assert decoded == ["a.wav", "a.wav"]


def test_an_edited_recording_is_decoded_anew(
    recordings: list[Path], decoded: list[str], tmp_path: Path
) -> None:
    before = open_cache(recordings, 8000, tmp_path / "cache").waveform(1)
    samples, _ = soundfile.read(recordings[1])
    soundfile.write(recordings[1], -samples, 8000, "PCM_24")  # as many bytes
    os.utime(recordings[1], ns=(1, 1))  # a copy that kept some other time
    after = open_cache(recordings, 8000, tmp_path / "cache").waveform(1)
    np.testing.assert_allclose(after, -before)
    assert sorted(decoded) == ["a.wav", "b.wav", "b.wav", "c.wav"]


def test_what_fails_is_named_and_tried_again(recordings: list[Path], tmp_path: Path) -> None:
    content = recordings[0].read_bytes()
    recordings[0].write_text("not a recording")
    missing = tmp_path / "missing.wav"
    cache = open_cache([recordings[0], missing, recordings[2]], 8000, tmp_path / "cache")
    assert cache.num_samples == (0, 0, 800)
    assert sorted(cache.failures) == [0, 1]
    assert cache.failures[0].startswith(f"{recordings[0]}: ")
    assert cache.failures[1].startswith(f"{missing}: ")
    recordings[0].write_bytes(content)
    cache = open_cache(recordings, 8000, tmp_path / "cache")
    assert (cache.num_samples, cache.failures) == (LENGTHS, {})


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_build_goes_on_where_it_stopped(
    error: BaseException,
    recordings: list[Path],
    decoded: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fsync, written = os.fsync, []

    def failing(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 2:  # the first file and its folder
            raise error
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        patch.setattr(pool, "num_usable_cores", lambda: 1)
        with pytest.raises(type(error)):
            open_cache(recordings, 8000, tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    cache = open_cache(recordings, 8000, tmp_path / "cache")
    assert decoded.count("a.wav") == 1
    for path, waveform in zip(recordings, waveforms(cache), strict=True):
        np.testing.assert_allclose(waveform, soundfile.read(path)[0], atol=1e-4)


def test_loops_within_a_recording(recordings: list[Path], tmp_path: Path) -> None:
    cache = open_cache([tmp_path / "missing.wav", *recordings], 8000, tmp_path / "cache")
    first, second = cache.waveform(1), cache.waveform(2)
    np.testing.assert_array_equal(cache.loop_from(5, 10), first[5:15])
    np.testing.assert_array_equal(cache.loop_from(1600, 10), second[:10])
    expected = [*second[2000:], *second, *second[:100]]
    np.testing.assert_array_equal(cache.loop_from(1600 + 2000, 2900), expected)


def test_may_be_built_side_by_side(recordings: list[Path], tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        builds = [pool.submit(open_cache, recordings, 8000, tmp_path / "cache") for _ in range(4)]
    for build in builds:
        for path, waveform in zip(recordings, waveforms(build.result()), strict=True):
            np.testing.assert_allclose(waveform, soundfile.read(path)[0], atol=1e-4)
    assert len(list((tmp_path / "cache").iterdir())) == len(recordings)


@pytest.mark.slow
def test_a_killed_build_goes_on_where_it_stopped(recordings: list[Path], tmp_path: Path) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
keras = sys.modules["keras"] = type(sys)("keras")  # takes seconds to import and is not used
keras.backend = SimpleNamespace(backend=lambda: "tensorflow")
from speechlstm.parallel import pool
from speechlstm.training.data import pcm_cache
pool.num_usable_cores = lambda: 1
descriptors = []
def sync(descriptor):
    descriptors.append(descriptor)
    if len(descriptors) == 3:  # the first file and its folder; the second is not in its place yet
        os.kill(os.getpid(), signal.SIGKILL)
os.fsync = sync
pcm_cache.open_cache([Path(path) for path in sys.argv[2:]], 8000, Path(sys.argv[1]))
"""
    folder = tmp_path / "cache"
    killed = subprocess.run([sys.executable, "-c", code, folder, *recordings], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(folder.iterdir())) == 2
    assert len(list(folder.glob("*.pcm"))) == 1
    for path, waveform in zip(
        recordings, waveforms(open_cache(recordings, 8000, folder)), strict=True
    ):
        np.testing.assert_allclose(waveform, soundfile.read(path)[0], atol=1e-4)


def test_a_damaged_file_is_named_or_made_again(recordings: list[Path], tmp_path: Path) -> None:
    path, folder = recordings[0], tmp_path / "cache"
    waveform = open_cache([path], 8000, folder).waveform(0)
    (file,) = folder.glob("*.pcm")
    whole = file.read_bytes()
    flipped = whole[:100] + bytes([whole[100] ^ 4]) + whole[101:]
    for damaged in (flipped, whole[: len(whole) // 2 & ~1], whole[:-2], whole[:-2] + b"  "):
        file.write_bytes(damaged)
        with pytest.raises(TrainingError, match=f"{file.name}: this copy of a recording is dam"):
            open_cache([path], 8000, folder).waveform(0)
    for damaged in (b"", whole[:3], whole[:-1]):
        file.write_bytes(damaged)
        np.testing.assert_array_equal(open_cache([path], 8000, folder).waveform(0), waveform)
        assert file.read_bytes() == whole


def test_an_edit_that_restores_the_time_is_seen(recordings: list[Path], tmp_path: Path) -> None:
    path, status = recordings[0], recordings[0].stat()
    before = open_cache([path], 8000, tmp_path / "cache").waveform(0)
    soundfile.write(path, -soundfile.read(path)[0], 8000, "PCM_24")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    after = open_cache([path], 8000, tmp_path / "cache").waveform(0)
    np.testing.assert_allclose(after, -before)
