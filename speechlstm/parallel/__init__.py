"""Applies a function to many items, on several cores."""

from speechlstm.parallel.pool import Progress as Progress
from speechlstm.parallel.pool import WorkerPool as WorkerPool
from speechlstm.parallel.pool import map_in_processes as map_in_processes
from speechlstm.parallel.pool import map_in_threads as map_in_threads
from speechlstm.parallel.pool import no_progress as no_progress
from speechlstm.parallel.pool import num_usable_cores as num_usable_cores
