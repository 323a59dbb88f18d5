"""Applies a function to many items, on several cores."""

from speechlstm.parallel.pool import (
    Progress,
    WorkerPool,
    map_in_processes,
    map_in_threads,
    no_progress,
    num_usable_cores,
)
