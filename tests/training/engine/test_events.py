import time
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.util.event_pb2 import Event

from speechlstm.training.engine.events import write_events


def read_events(folder: Path) -> list[Any]:
    """As TensorBoard reads them: the files in the order of their names, checksums verified."""
    files = sorted(map(str, folder.glob("*tfevents*")))
    return [Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]


def steps(folder: Path) -> list[tuple[int, dict[str, float]]]:
    return [
        (event.step, {value.tag: value.simple_value for value in event.summary.value})
        for event in read_events(folder)
        if event.step
    ]


def test_tensorflow_reads_all_scalars_from_one_file(tmp_path: Path) -> None:
    folder, started = tmp_path / "run" / "tensorboard", time.time()
    long = "a tag of more than 127 characters" * 5
    written = [(1, {"loss": 2.5, "valid_wer": 0.75}), (2, {"loss": 1.5}), (300, {long: -1.0})]
    for step, scalars in written:
        write_events(folder, step, scalars)
    assert len(list(folder.iterdir())) == 1
    found = read_events(folder)
    assert [event.file_version for event in found] == ["brain.Event:2", "", "", ""]
    assert steps(folder) == written
    assert all(started <= event.wall_time <= time.time() for event in found)


def test_an_epoch_that_is_done_again_is_written_once(tmp_path: Path) -> None:
    for step, loss in ((1, 3.0), (2, 2.0), (3, 1.0), (2, 2.5)):
        write_events(tmp_path, step, {"loss": loss})
    assert steps(tmp_path) == [(1, {"loss": 3.0}), (2, {"loss": 2.5})]


@pytest.mark.slow
def test_a_record_that_was_not_finished_is_dropped(tmp_path: Path) -> None:
    for step in (1, 200):
        write_events(tmp_path, step, {"loss": 1.0})
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    whole = len(content)
    for size in range(0, whole + 40, 7):
        path.write_bytes(content[:size] + b"\xff" * max(0, size - whole))
        write_events(tmp_path, 201, {"loss": 0.5})
        found = [step for step, _ in steps(tmp_path)]
        assert found == [step for step in (1, 200) if step in found] + [201]
        assert (200 in found) == (size >= whole)
