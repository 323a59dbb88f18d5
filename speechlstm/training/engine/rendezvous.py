"""Processes, on several machines perhaps, find one another before they begin.

jax waits for its processes too; where they do not come it aborts, without saying who is missing.
"""

import os
import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from speechlstm.errors import ConfigError, TrainingError

_ANSWER_SECONDS = 10.0  # for a line over an open connection
_RETRY_SECONDS = 0.2


@dataclass(frozen=True)
class Address:
    """Where process 0 listens.

    Attributes:
        host: Name or address of its machine, as the others know it.
        port: A free port there that they can reach.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """An address from "host:port".

        Raises:
            ConfigError: It is none.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigError(f"coordinator: must be HOST:PORT, is {text!r}")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def meet(address: Address, num_processes: int, process_id: int, state: str, seconds: float) -> None:
    """Return in every process once all are there: process 0 listens, the others report to it.

    Args:
        address: Of process 0.
        num_processes: How many there are.
        process_id: This one, 0..num_processes - 1.
        state: A word that must be the same in all.
        seconds: How long to wait.

    Raises:
        TrainingError: Not all came, or one is not what it should be; all that came are told why.
    """
    deadline = time.monotonic() + seconds
    if process_id:
        hello = f"speechlstm {process_id} {num_processes} {state}\n"
        fault = _report(address, hello, deadline)
    else:
        fault = _receive(address, num_processes, state, deadline)
    if fault:
        raise TrainingError(f"{address}: {fault}")


def _receive(address: Address, num_processes: int, state: str, deadline: float) -> str:
    """Hear from every other process and answer all; returns what is wrong."""
    missing, fault = {str(process) for process in range(1, num_processes)}, ""
    with ExitStack() as connections:
        try:
            server = connections.enter_context(socket.create_server(("", address.port)))
        except OSError as error:
            return f"process 0 cannot listen: {os.strerror(error.errno or 0)}"
        answers = []
        while missing and not fault:
            server.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                connection = connections.enter_context(server.accept()[0])
            except TimeoutError:
                fault = f"process {', '.join(sorted(missing))} of {num_processes} did not come"
                break
            words = _read_line(connection, _ANSWER_SECONDS).split()
            if len(words) != 4 or words[0] != "speechlstm":
                connection.close()  # whoever else tries ports
                continue
            answers.append(connection)
            fault = _misfit(words[1:], missing, num_processes, state)
            missing.discard(words[1])
        for connection in answers:
            connection.sendall(f"{fault or 'go'}\n".encode())
    return fault


def _misfit(words: list[str], missing: set[str], num_processes: int, state: str) -> str:
    process, theirs, their_state = words
    if theirs != str(num_processes):
        return f"process {process} is started as one of {theirs}, process 0 of {num_processes}"
    if process not in missing:
        return f"two processes are started with the id {process}"
    if their_state != state:
        return (
            f"process {process} has another number of devices, other data or another checkpoint "
            "than process 0: they must see the same files"
        )
    return ""


def _report(address: Address, hello: str, deadline: float) -> str:
    """Tell process 0 who is there; returns its answer if that is a fault."""
    while True:
        try:
            connection = socket.create_connection(
                (address.host.strip("[]"), address.port), _ANSWER_SECONDS
            )
            break
        except OSError as error:
            if time.monotonic() > deadline:
                reason = error.strerror or "no answer"
                return f"process 0 cannot be reached: {reason}; start it there, open the port"
        time.sleep(_RETRY_SECONDS)
    with connection:
        connection.sendall(hello.encode())
        answer = _read_line(connection, deadline - time.monotonic() + _ANSWER_SECONDS)
    return "" if answer == "go" else answer or "process 0 has gone"


def _read_line(connection: socket.socket, seconds: float) -> str:
    """What the other end says; empty if it says nothing in time."""
    connection.settimeout(seconds)
    try:
        with connection.makefile(encoding="utf-8", errors="replace") as file:
            return file.readline(1000).strip()
    except OSError:
        return ""
