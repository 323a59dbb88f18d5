import time
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.util.event_pb2 import Event

from speechlstm.training.engine.events import EventWriter


def read_events(folder: Path) -> list[Any]:
    """As TensorBoard reads them: the files in the order of their names, checksums verified."""
    files = sorted(map(str, folder.glob("*tfevents*")))
    return [Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]


def test_tensorflow_reads_the_scalars_of_all_writers(tmp_path: Path) -> None:
    folder, started = tmp_path / "run" / "tensorboard", time.time()
    with EventWriter(folder) as events:
        events.write(1, {"loss": 2.5, "valid_wer": 0.75})
        events.write(2, {"loss": 1.5})
    with EventWriter(folder) as events:  # as after --resume
        events.write(300, {"loss": 0.5, "a tag of more than 127 characters" * 5: -1.0})
    found = read_events(folder)
    assert [event.file_version for event in found] == ["brain.Event:2", "", "", "brain.Event:2", ""]
    scalars = [(e.step, {v.tag: v.simple_value for v in e.summary.value}) for e in found if e.step]
    assert scalars == [
        (1, {"loss": 2.5, "valid_wer": 0.75}),
        (2, {"loss": 1.5}),
        (300, {"loss": 0.5, "a tag of more than 127 characters" * 5: -1.0}),
    ]
    assert all(started <= event.wall_time <= time.time() for event in found)


def test_what_was_written_before_an_error_is_kept(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), EventWriter(tmp_path) as events:
        events.write(1, {"loss": 2.5})
        raise KeyboardInterrupt
    assert [event.step for event in read_events(tmp_path)] == [0, 1]
