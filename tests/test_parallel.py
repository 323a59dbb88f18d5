import os
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio
from speechlstm.errors import AudioError, SpeechLSTMError
from speechlstm.parallel import map_in_processes, num_usable_cores

LOAD_EVAL = partial(partial, eval)  # a function that another process can import
PID = "__import__('os').getpid()"
SLEEP = "__import__('time').sleep"


def test_long_work_is_shared_and_keeps_its_order() -> None:
    items = [f"{SLEEP}({seconds}) or ({seconds}, {PID})" for seconds in (0.0, 0.3, 0.2, 0.1)]
    seconds, processes = zip(*map_in_processes(LOAD_EVAL, items, 2, patience=0), strict=True)
    assert seconds == (0.0, 0.3, 0.2, 0.1)
    assert os.getpid() not in processes[1:]


@pytest.mark.parametrize(("jobs", "patience"), [(1, 0), (4, 1000)])
def test_short_work_starts_no_process(jobs: int, patience: float) -> None:
    assert set(map_in_processes(LOAD_EVAL, [PID] * 5, jobs, patience)) == {os.getpid()}


def test_errors_come_whole_from_other_processes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", np.zeros(1600), 16000)
    load = partial(partial, read_audio, sample_rate=16000)
    results = map_in_processes(load, [tmp_path / "good.wav", tmp_path / "bad.wav"], 2, patience=0)
    assert len(next(results).samples) == 1600
    with pytest.raises(AudioError, match=r"bad\.wav: cannot be read") as caught:
        next(results)
    assert caught.value.path == tmp_path / "bad.wav"


def test_a_process_that_dies_is_an_error_not_a_wait() -> None:
    items = ["1", "__import__('os')._exit(1)", "2"]
    with pytest.raises(SpeechLSTMError, match="was killed"):
        list(map_in_processes(LOAD_EVAL, items, 2, patience=0))


def test_what_nobody_asks_for_is_not_done() -> None:
    started = time.monotonic()
    results = map_in_processes(LOAD_EVAL, ["1", *[f"{SLEEP}(9)"] * 20], 1)
    assert next(results) == 1
    assert time.monotonic() - started < 5


def test_there_is_a_core() -> None:
    assert 1 <= num_usable_cores() <= (os.cpu_count() or 1)
