import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio
from speechlstm.errors import AudioError, SpeechLSTMError
from speechlstm.parallel import WorkerPool, map_in_processes, map_in_threads, num_usable_cores

LOAD_EVAL = partial(partial, eval)  # a function that another process can import
PID = "__import__('os').getpid()"
SLEEP = "__import__('time').sleep"


def test_long_work_is_shared_and_keeps_its_order() -> None:
    items = [f"{SLEEP}({seconds}) or ({seconds}, {PID})" for seconds in (0.0, 0.3, 0.2, 0.1)]
    seconds, processes = zip(*map_in_processes(LOAD_EVAL, items, 2, patience=0), strict=True)
    assert seconds == (0.0, 0.3, 0.2, 0.1)
    assert os.getpid() not in processes
    assert len(set(processes)) == 2


@pytest.mark.parametrize(("jobs", "patience"), [(1, 0), (4, 1000)])
def test_short_work_starts_no_process(jobs: int, patience: float) -> None:
    assert set(map_in_processes(LOAD_EVAL, [PID] * 5, jobs, patience)) == {os.getpid()}


@pytest.mark.slow
def test_the_rest_is_shared_once_patience_ends() -> None:
    items = [f"{SLEEP}(0.2) or {PID}"] * 5
    processes = list(map_in_processes(LOAD_EVAL, items, 2, patience=0.3))
    assert processes[:2] == [os.getpid()] * 2
    assert os.getpid() not in processes[2:]


@pytest.mark.slow
def test_processes_stay_for_the_next_items() -> None:
    with WorkerPool(LOAD_EVAL, 2, patience=0) as pool:
        first = set(pool.map([f"{SLEEP}(0.1) or {PID}"] * 4))
        assert set(pool.map([f"{SLEEP}(0.1) or {PID}"] * 4)) == first
        assert len(first) == 2
        assert list(pool.map([])) == []
        assert set(pool.map([PID])) < first
    assert [alive(process) for process in first] == [False, False]


@pytest.mark.slow
def test_more_items_get_more_processes() -> None:
    with WorkerPool(LOAD_EVAL, 3, patience=0) as pool:
        assert len(set(pool.map([f"{SLEEP}(0.1) or {PID}"] * 2))) == 2
        assert len(set(pool.map([f"{SLEEP}(0.5) or {PID}"] * 3))) == 3


@pytest.mark.slow
def test_errors_come_whole_from_other_processes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "good.wav", np.zeros(1600), 16000)
    load = partial(partial, read_audio, sample_rate=16000)
    results = map_in_processes(load, [tmp_path / "good.wav", tmp_path / "bad.wav"], 2, patience=0)
    assert len(next(results).samples) == 1600
    with pytest.raises(AudioError, match=r"bad\.wav: cannot be read") as caught:
        next(results)
    assert caught.value.path == tmp_path / "bad.wav"


@pytest.mark.slow
def test_an_unforeseen_error_tells_where_it_comes_from() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        list(map_in_processes(LOAD_EVAL, ["1", "1 // 0"], 2, patience=0))
    assert "worker.py" in caught.value.__notes__[0]


@pytest.mark.slow
def test_an_error_that_cannot_travel_is_told() -> None:
    raised = "(_ for _ in ()).throw(type('Odd', (Exception,), {})('of a local class'))"
    with pytest.raises(SpeechLSTMError, match="Odd: of a local class"):
        list(map_in_processes(LOAD_EVAL, ["1", raised], 2, patience=0))


@pytest.mark.slow
def test_an_error_of_loading_in_a_process_is_told(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.touch()
    load = partial(Path.read_bytes, model)  # a function that another process can import
    with WorkerPool(load, 2, patience=0) as pool:
        model.unlink()  # between here and there
        with pytest.raises(FileNotFoundError, match="model"):
            list(pool.map([1, 2]))


@pytest.mark.parametrize(
    ("death", "cause"),
    [
        ("_exit(3)", "process 2 ended with exit code 3 at __import__.*; see its messages above"),
        pytest.param(
            f"kill({PID}, 9)",
            "process 2 was killed by SIGKILL at .*out of memory; try few",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "abort()", "process 2 was killed by SIGABRT at __import__.*", marks=pytest.mark.slow
        ),
    ],
)
def test_a_process_that_dies_is_an_error_with_its_cause(death: str, cause: str) -> None:
    items = [f"{SLEEP}(0.1)", f"__import__('os').{death}", f"{SLEEP}(0.1)"]
    results = map_in_processes(LOAD_EVAL, items, 2, patience=0)
    assert next(results) is None
    with pytest.raises(SpeechLSTMError, match=cause):
        next(results)


@pytest.mark.slow
def test_what_nobody_asks_for_is_not_done() -> None:
    started = time.monotonic()
    with WorkerPool(LOAD_EVAL, 2, patience=0) as pool:
        results = pool.map([PID, *[f"{SLEEP}(60)"] * 20])
        process = next(results)
        results.close()
        assert not alive(process)
    assert time.monotonic() - started < 20


SCRIPT = """
import signal, sys, time
from functools import partial
from speechlstm.parallel import map_in_processes
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    items = ["__import__('os').getpid()"] * 2 + ["__import__('time').sleep(600)"] * 2
    for result in map_in_processes(partial(partial, eval), items, 2, patience=0):
        print(result, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="of signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_signals_of_terminals_are_for_the_parent_alone_from_the_first_moment_on(name: str) -> None:
    """A process that still imports would end with a traceback on the terminal."""
    number = getattr(signal, name)
    masked = f"{int(number)} in __import__('signal').pthread_sigmask(0, [])"
    before = signal.signal(number, signal.default_int_handler)  # nohup ignores it
    try:
        assert list(map_in_processes(LOAD_EVAL, [masked] * 4, 2, patience=0)) == [True] * 4
    finally:
        signal.signal(number, before)
    assert number not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="of signals")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_no_process_outlives_its_parent(tmp_path: Path, name: str) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout
        processes = {int(parent.stdout.readline()) for _ in range(2)}
        parent.send_signal(getattr(signal, name))
        parent.wait(20)
    until = time.monotonic() + 20
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(alive, processes))


@pytest.mark.slow
def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    result = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "SpeechLSTMError: process 1 ended with exit code 1" in result.stderr
    assert "needs: if __name__ == '__main__':" in result.stderr


def alive(process: int) -> bool:
    """Whether a process of this number runs; one that has ended and is not yet reaped does not."""
    status = Path(f"/proc/{process}/stat")
    if sys.platform == "linux":
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_there_is_a_core() -> None:
    assert 1 <= num_usable_cores() <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("jobs", "most"), [(1, 2), (2, 9)])
def test_items_are_taken_when_they_are_needed(jobs: int, most: int) -> None:
    num_taken = 0

    def items() -> Iterator[str]:
        nonlocal num_taken
        for number in range(40):
            num_taken += 1
            yield f"{number}"

    for number, result in enumerate(map_in_processes(LOAD_EVAL, items(), jobs, patience=0)):
        assert result == number
        assert num_taken <= number + most


def test_last_calls_are_finished_if_the_parent_is_killed(tmp_path: Path) -> None:
    done = tmp_path / "done"
    call = f"lambda: ({SLEEP}(0.5), open({str(done)!r}, 'w').close())"
    worker = "__import__('speechlstm.parallel.worker').parallel.worker"
    script = f"""
import os
from functools import partial
from speechlstm.parallel.worker import Worker
if __name__ == "__main__":
    worker = Worker.start(partial(partial, eval), 1)
    worker.give((0, {f"{worker}.call_when_parent_ends({call})"!r}))
    assert not worker.outcome().is_error
    os.kill(os.getpid(), {int(signal.SIGTERM)})
"""
    (tmp_path / "parent.py").write_text(script, encoding="utf-8")
    ended = subprocess.run([sys.executable, tmp_path / "parent.py"], check=False)
    assert ended.returncode  # by the signal
    deadline = time.monotonic() + 20
    while not done.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_results_come_in_the_order_of_the_items() -> None:
    later = threading.Event()

    def slow_first(item: int) -> int:
        if item == 0:
            later.wait(10)
        else:
            later.set()
        return item

    assert list(map_in_threads(slow_first, range(100))) == list(range(100))


def test_few_items_are_taken_before_their_time() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1_000_000):
            taken.append(item)
            yield item

    results = map_in_threads(abs, items())
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    results.close()
    assert len(taken) < 1000


def test_an_error_comes_when_its_result_is_due() -> None:
    results = map_in_threads(lambda item: 1 // item, [2, 1, 0, 3])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
