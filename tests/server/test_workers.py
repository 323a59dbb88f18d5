import asyncio
import signal
import sys
from functools import partial

import pytest

from speechlstm.errors import SpeechLSTMError
from speechlstm.server.workers import Workers


@pytest.mark.skipif(sys.platform == "win32", reason="ends a process by a signal")
def test_a_process_that_dies_while_it_starts_is_no_fault_of_a_recording() -> None:
    """As one does for which there is too little memory."""
    workers = Workers(partial(signal.raise_signal, 9), 1, 1, 0, print)
    with pytest.raises(SpeechLSTMError) as raised:
        asyncio.run(workers.start())
    reason = "process 1 was killed by SIGKILL; it may have run out of memory; try fewer jobs"
    assert str(raised.value) == f"serve: {reason}"
    assert workers.pids == []
