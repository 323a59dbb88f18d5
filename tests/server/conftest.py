import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

for package in ("starlette", "uvicorn", "websockets", "python_multipart", "prometheus_client"):
    pytest.importorskip(package)
httpx = pytest.importorskip("httpx")


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(autouse=True)
def _no_certificates(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server here speaks TLS, and httpx reads all authorities' certificates for each request."""
    monkeypatch.setenv("SSL_CERT_DIR", str(empty_folder))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)


@dataclass
class Server:
    """A running `speechlstm serve`."""

    process: "subprocess.Popen[str]"
    url: str
    temporary: Path

    @property
    def recordings(self) -> str:
        return f"{self.url}/v1/audio/transcriptions"

    def post(self, content: bytes, name: str = "a.wav", **fields: Any) -> "httpx.Response":
        return httpx.post(self.recordings, files={"file": (name, content)}, data=fields, timeout=60)

    def workers(self) -> list[int]:
        """The processes that speechlstm has started, in the order of their start."""
        if sys.platform != "linux":
            pytest.skip("finds processes in /proc")
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
        return [
            int(child)
            for child in children
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8")
        ]

    def kept_files(self) -> list[Path]:
        return [path for path in self.temporary.rglob("*") if path.is_file()]

    def stderr(self) -> str:
        assert self.process.stderr
        return self.process.stderr.read()


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Waits until something has come true."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "it has not come true in time"
            time.sleep(0.05)

    return wait


def read_address(stream: IO[str]) -> str:
    lines = []
    for line in stream:
        lines.append(line)
        if found := re.search(r"Listening on (http://\S+) ", line):
            return found[1]
    raise AssertionError("the server has ended: " + "".join(lines))


@pytest.fixture(scope="session")
def launch_server(
    levels_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Server]]:
    """Starts `speechlstm serve` on a free port, with more arguments."""
    servers = []

    def start(*arguments: str, bundle: Path = levels_bundle, **variables: str) -> Server:
        temporary = tmp_path_factory.mktemp("uploads")
        command = [sys.executable, "-m", "speechlstm", "serve", "--bundle", str(bundle)]
        process = subprocess.Popen(
            [*command, "--port", "0", "--jobs", "1", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(temporary)} | variables,
        )
        assert process.stderr
        servers.append(process)
        return Server(process, read_address(process.stderr), temporary)

    yield start
    for process in servers:
        process.kill()
        process.communicate()


@pytest.fixture
def start_server(launch_server: Callable[..., Server]) -> Iterator[Callable[..., Server]]:
    """The same, for servers that end with the test."""
    servers = []

    def start(*arguments: str, **options: Any) -> Server:
        servers.append(launch_server(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def server(launch_server: Callable[..., Server]) -> Server:
    """A server that all tests share which do not end or block it."""
    return launch_server()


@pytest.fixture(scope="session")
def hello(
    tmp_path_factory: pytest.TempPathFactory, spoken: Callable[[str], NDArray[np.float32]]
) -> bytes:
    """A recording of "hello world"."""
    path = tmp_path_factory.mktemp("spoken") / "hello.wav"
    soundfile.write(path, spoken("hello world"), 16000)
    return path.read_bytes()


@pytest.fixture(scope="session")
def long_recording(
    tmp_path_factory: pytest.TempPathFactory, spoken: Callable[[str], NDArray[np.float32]]
) -> Path:
    """Five minutes of "hello world" again and again."""
    path = tmp_path_factory.mktemp("spoken") / "long.flac"
    words = np.concatenate([spoken("hello world"), np.zeros(16000, np.float32)])
    soundfile.write(path, np.tile(words, 300 * 16000 // len(words)), 16000)
    return path
