"""Scalars as TensorBoard reads them, without needing TensorBoard to write them."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self


class EventWriter:
    """An event file: TFRecords of Event messages (tensorflow/core/util/event.proto).

    Args:
        folder: Where TensorBoard looks; created if missing. Each writer adds a file of its own.
    """

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"events.out.tfevents.{time.time_ns()}.speechlstm"
        self._file = tf.io.TFRecordWriter(str(path))
        self._write(file_version="brain.Event:2")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add one value of each scalar."""
        values = [{"tag": tag, "simple_value": value} for tag, value in scalars.items()]
        self._write(step=step, summary={"value": values})

    def _write(self, **fields: Any) -> None:
        from tensorflow.core.util.event_pb2 import Event

        self._file.write(Event(wall_time=time.time(), **fields).SerializeToString())
