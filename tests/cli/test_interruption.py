import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from speechlstm.cli.interruption import tidied_up

ENDING = ["SIGTERM", *(["SIGHUP"] if hasattr(signal, "SIGHUP") else [])]


@pytest.mark.parametrize("name", ENDING)
def test_a_signal_ends_what_was_begun(name: str) -> None:
    number = signal.Signals[name]
    before = signal.signal(number, signal.SIG_DFL)
    folder = Path()
    try:
        with pytest.raises(SystemExit) as end, tidied_up(), TemporaryDirectory() as path:
            folder = Path(path)
            (folder / "copy.wav").touch()
            signal.raise_signal(number)
        assert end.value.code == 128 + number
        assert not folder.exists()
        assert signal.getsignal(number) == signal.SIG_DFL  # a second one ends at once
    finally:
        signal.signal(number, before)


def test_signals_that_are_ignored_stay_ignored() -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with tidied_up():
            signal.raise_signal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
