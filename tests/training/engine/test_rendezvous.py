import socket
import threading
import time
from collections.abc import Sequence

import pytest

from speechlstm.errors import ConfigError, TrainingError
from speechlstm.training.engine.rendezvous import Address, meet


@pytest.fixture
def address() -> Address:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return Address("127.0.0.1", server.getsockname()[1])


def outcomes(
    address: Address, processes: Sequence[tuple[int, int, str]], seconds: float = 20
) -> list[str]:
    """What becomes of processes (number of processes, id, state), the first started last: "" is
    that they met, else the error's text."""
    found = [""] * len(processes)

    def run(place: int) -> None:
        num_processes, process_id, state = processes[place]
        try:
            meet(address, num_processes, process_id, state, seconds)
        except TrainingError as error:
            found[place] = str(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in reversed(range(len(processes)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_all_meet_and_again_at_the_same_port(address: Address) -> None:
    for _ in range(2):
        assert outcomes(address, [(3, 0, "x"), (3, 1, "x"), (3, 2, "x")]) == [""] * 3


def test_who_is_missing_is_said_to_all(address: Address) -> None:
    started = time.monotonic()
    found = outcomes(address, [(4, 0, "x"), (4, 2, "x")], seconds=0.5)
    assert found == [f"{address}: process 1, 3 of 4 did not come"] * 2
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([(2, 1, "y")], "process 1 has another number of devices, other data or another check"),
        ([(3, 1, "x")], "process 1 is started as one of 3, process 0 of 2"),
        ([(2, 2, "x")], "two processes are started with the id 2"),
    ],
)
def test_what_does_not_fit_is_said_to_all(
    address: Address, others: list[tuple[int, int, str]], reason: str
) -> None:
    for found in outcomes(address, [(2, 0, "x"), *others]):
        assert found.startswith(f"{address}: {reason}")
        assert "\n" not in found


def test_two_with_the_same_id(address: Address) -> None:
    found = outcomes(address, [(3, 0, "x"), (3, 1, "x"), (3, 1, "x")])
    assert found == [f"{address}: two processes are started with the id 1"] * 3


def test_strangers_are_ignored(address: Address) -> None:
    found: list[str] = []
    thread = threading.Thread(
        target=lambda: found.extend(outcomes(address, [(2, 0, "x")])), daemon=True
    )
    thread.start()
    for line in (b"GET / HTTP/1.1\r\n\r\n", b"\xff\n"):
        with connected(address) as stranger:
            stranger.sendall(line)
            assert stranger.recv(1) == b""
    assert outcomes(address, [(2, 1, "x")]) == [""]
    thread.join(20)
    assert found == [""]


def connected(address: Address) -> socket.socket:
    for _ in range(100):
        try:
            return socket.create_connection((address.host, address.port), 10)
        except OSError:
            time.sleep(0.05)
    raise AssertionError("nobody listens")


def test_nobody_there(address: Address) -> None:
    (found,) = outcomes(address, [(2, 1, "x")], seconds=0.3)
    assert found.startswith(f"{address}: process 0 cannot be reached: Connection refused")


def test_port_in_use(address: Address) -> None:
    with socket.create_server(("", address.port)):
        (found,) = outcomes(address, [(2, 0, "x")])
    assert found == f"{address}: process 0 cannot listen: Address already in use"


@pytest.mark.parametrize("text", ["", "host", "host:", ":80", "host:http", "host:0", "host:65536"])
def test_addresses_are_checked(text: str) -> None:
    with pytest.raises(ConfigError, match="must be HOST:PORT"):
        Address.parse(text)


@pytest.mark.parametrize("text", ["10.0.0.1:4000", "[::1]:4000", "gpu-1.local:4000"])
def test_addresses_are_said_as_they_were_given(text: str) -> None:
    assert str(Address.parse(text)) == text
