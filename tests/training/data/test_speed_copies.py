import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from speechlstm.training.data import speed_copies
from speechlstm.training.data.pcm_cache import PCMCache
from speechlstm.training.data.sample_files import write_samples
from speechlstm.training.data.speed_copies import at_speed


@pytest.fixture
def cache(tmp_path: Path) -> PCMCache:
    """A recording of 3,000 samples, and its middle thousand."""
    samples = np.random.default_rng(1).integers(-9999, 9999, 3000, np.int16)
    write_samples(tmp_path / "a.pcm", samples)
    return PCMCache((tmp_path / "a.pcm",) * 2, (3000, 1000), {}, (0, 1000))


def copies(cache: PCMCache) -> list[Path]:
    return sorted(cache.files[0].parent.glob("*.f32"))


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("speed", [0.9, 1.1])
def test_a_copy_is_what_soxr_makes(cache: PCMCache, index: int, speed: float) -> None:
    expected = soxr.resample(cache.waveform(index), speed, 1.0)
    for _ in ("made", "kept"):
        np.testing.assert_array_equal(at_speed(cache, index, speed), expected)
        assert len(copies(cache)) == 1


def test_a_copy_is_made_once(cache: PCMCache, monkeypatch: pytest.MonkeyPatch) -> None:
    first = at_speed(cache, 0, 0.9)
    monkeypatch.setattr(speed_copies, "change_speed", None)
    np.testing.assert_array_equal(at_speed(cache, 0, 0.9), first)


def test_a_damaged_copy_is_made_again(cache: PCMCache) -> None:
    first = at_speed(cache, 0, 0.9)
    whole = copies(cache)[0].read_bytes()
    longer = whole[:5000] + bytes(4) + whole[5000:]
    for damaged in (
        b"half",
        longer,
        whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
        whole[:-1],
    ):
        copies(cache)[0].write_bytes(damaged)
        np.testing.assert_array_equal(at_speed(cache, 0, 0.9), first)
        assert copies(cache)[0].read_bytes() == whole


def test_speed_1_needs_no_copy(cache: PCMCache) -> None:
    np.testing.assert_array_equal(at_speed(cache, 0, 1.0), cache.waveform(0))
    assert copies(cache) == []


class Disk(NamedTuple):
    total: int
    free: int


def test_a_full_disk_gets_no_copies(cache: PCMCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(10**9, 10**8))
    made: NDArray[Any] = at_speed(cache, 0, 1.1)
    assert len(made) == 2727
    assert copies(cache) == []


def test_a_folder_that_cannot_be_written_to_gets_none(
    cache: PCMCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, samples: NDArray[Any]) -> None:
        raise PermissionError

    monkeypatch.setattr(speed_copies, "write_samples", refuse)
    assert len(at_speed(cache, 0, 1.1)) == 2727
