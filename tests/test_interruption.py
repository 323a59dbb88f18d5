import signal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from speechlstm.interruption import Interruption, ending_signals, tidied_up

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


@pytest.mark.parametrize("name", ["SIGINT", *ENDING])
def test_a_signal_is_remembered_until_the_process_can_end(name: str) -> None:
    number = signal.Signals[name]
    before = signal.signal(number, signal.default_int_handler)
    try:
        with Interruption() as interruption:
            signal.raise_signal(number)
            assert interruption.number == number
            with pytest.raises(KeyboardInterrupt):  # a second one acts at once
                signal.raise_signal(number)
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are no terminals that hang up")
def test_nohup_is_heeded() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in ending_signals()
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGHUP)
        assert interruption.number == 0
    finally:
        signal.signal(signal.SIGHUP, before)
