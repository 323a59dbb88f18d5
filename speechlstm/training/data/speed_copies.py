"""Recordings at other speeds, kept as files beside the decoded recordings."""

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from speechlstm.errors import TrainingError
from speechlstm.training.data.effects import change_speed
from speechlstm.training.data.pcm_cache import PCMCache
from speechlstm.training.data.sample_files import num_samples_in, read_samples, write_samples
from speechlstm.training.data.waveforms import Waveforms

MIN_FREE = 0.1  # fraction of the disk that copies leave free: checkpoints need it
SAMPLE_BYTES = 4  # as floats: a run continues with the same numbers, whether a copy was kept or not


def at_speed(cache: Waveforms, index: int, speed: float) -> NDArray[np.float32]:
    """The samples of a recording, played at a speed.

    Resampling takes most of the time of preparing an utterance, so the result is kept, unless the
    disk is nearly full or cannot be written to.

    Args:
        cache: The recordings; copies are kept only beside those of a PCMCache.
        speed: The factor of the speed, as for change_speed.

    Returns:
        (int(num_samples / speed + 0.5),) float32 in about [-1, 1].
    """
    if speed == 1:
        return cache.waveform(index)
    if not isinstance(cache, PCMCache):
        return change_speed(cache.waveform(index), speed)
    copy, count = copy_path(cache, index, speed), int(cache.num_samples[index] / speed + 0.5)
    with suppress(FileNotFoundError, TrainingError):  # a damaged one is made again
        if num_samples_in(f"{copy}", SAMPLE_BYTES) == count:  # of a part, no checksum is verified
            return read_samples(copy, np.float32, 0, count)
    samples = change_speed(cache.waveform(index), speed)
    disk = shutil.disk_usage(copy.parent)
    if disk.free - samples.nbytes > MIN_FREE * disk.total:
        with suppress(OSError):  # the folder may be read-only
            write_samples(copy, samples)
    return samples


def copy_path(cache: PCMCache, index: int, speed: float) -> Path:
    """The file of a recording, or of a piece of one, at a speed."""
    file = cache.files[index]
    start = cache.starts[index] if cache.starts else 0
    return file.with_name(f"{file.stem}-{start}-{cache.num_samples[index]}-{speed:g}.f32")
