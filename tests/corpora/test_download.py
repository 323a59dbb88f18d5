import errno
import hashlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from speechlstm.corpora import download as module
from speechlstm.corpora.download import ARCHIVES, Archive, archive_of, download
from speechlstm.errors import DataError

CONTENT = np.random.default_rng(1).bytes(3_000_000)


@dataclass
class Server:
    """A server of one file, and what it does.

    Attributes:
        url: Of the file.
        content: The file.
        cuts: After how many bytes each of the next answers breaks off.
        ignores_range: Whether it sends the whole file whatever is asked for.
        status: Of every answer; 0: as it should be.
        ranges: The header Range of each request.
    """

    url: str = ""
    content: bytes = CONTENT
    cuts: list[int] = field(default_factory=list)
    ignores_range: bool = False
    status: int = 0
    ranges: list[str | None] = field(default_factory=list)

    def archive(self, content: bytes = CONTENT) -> Archive:
        return Archive(self.url, hashlib.sha256(content).hexdigest(), "CC0")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.0)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.ranges.append(wanted)
            size = len(state.content)
            start = int(wanted[6:-1]) if wanted and not state.ignores_range else 0
            if state.status:
                self.send_error(state.status)
                return
            self.send_response(206 if start < size and start else 416 if start else 200)
            if start:
                place = f"{start}-{size - 1}" if start < size else "*"
                self.send_header("Content-Range", f"bytes {place}/{size}")
            body = state.content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.cuts.pop(0)] if state.cuts else body)

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{httpd.server_port}/corpus.tar.gz"
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_downloads_once(server: Server, tmp_path: Path) -> None:
    path = download(server.archive(), tmp_path)
    assert path == tmp_path / "corpus.tar.gz"
    assert path.read_bytes() == CONTENT
    assert download(server.archive(), tmp_path) == path
    assert server.ranges == [None]
    assert list(tmp_path.iterdir()) == [path]


def test_goes_on_when_the_connection_breaks(server: Server, tmp_path: Path) -> None:
    server.cuts = [1_000_000, 500_000]
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000000-", "bytes=1500000-"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTUNREACH, "No route to host"),
        ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
        TimeoutError("timed out"),
    ],
)
def test_goes_on_when_the_network_fails(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    """It is no failure of the disk, although most of these errors are like those of files."""
    errors, read = [error], HTTPResponse.read

    def failing(response: HTTPResponse, amount: int | None = None) -> bytes:
        if errors and response.status == 206:
            raise errors.pop()
        return read(response, amount)

    monkeypatch.setattr(HTTPResponse, "read", failing)
    server.cuts = [1_000_000]
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000000-", "bytes=1000000-"]


def test_a_later_call_goes_on_from_what_is_kept(server: Server, tmp_path: Path) -> None:
    server.cuts = [1_000_000, *[0] * 5]
    part = tmp_path / "corpus.tar.gz.part"
    with pytest.raises(DataError) as raised:
        download(server.archive(), tmp_path)
    kept = f"1000000 bytes are kept in {part}; the same command goes on from there"
    assert str(raised.value) == f"{server.url}: the connection was closed; {kept}"
    assert part.read_bytes() == CONTENT[:1_000_000]
    server.cuts, server.ranges = [], []
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000000-"]


def test_begins_again_if_the_server_ignores_ranges(server: Server, tmp_path: Path) -> None:
    server.cuts, server.ignores_range = [1_000_000], True
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000000-"]


@pytest.mark.parametrize("extra", [b"", b"more than there is"])
def test_a_part_that_was_complete_or_too_long(server: Server, tmp_path: Path, extra: bytes) -> None:
    (tmp_path / "corpus.tar.gz.part").write_bytes(CONTENT + extra)
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT


def test_another_content_is_refused_and_removed(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"its SHA-256 is [0-9a-f]{64}, must be [0-9a-f]{64}; down"):
        download(server.archive(b"other"), tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "corpus.tar.gz").write_bytes(b"the user's own")
    with pytest.raises(DataError, match="its SHA-256 is"):
        download(server.archive(), tmp_path)
    assert (tmp_path / "corpus.tar.gz").read_bytes() == b"the user's own"


def test_an_error_of_the_server_is_said_at_once(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(DataError, match=r"corpus\.tar\.gz: the server says 404 Not Found"):
        download(server.archive(), tmp_path)
    assert len(server.ranges) == 1


def test_no_server(server: Server, tmp_path: Path) -> None:
    archive = Archive("http://127.0.0.1:9/corpus.tar.gz", "", "CC0")
    with pytest.raises(DataError, match=r"refused; 0 bytes are kept"):
        download(archive, tmp_path)


def test_a_full_disk_keeps_what_there_is(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        usage = module.shutil._ntuple_diskusage(10, 9, 1)
        patch.setattr(module.shutil, "disk_usage", lambda path: usage)
        with pytest.raises(DataError, match="too little space: 3000000 bytes are missing, 1 are"):
            download(server.archive(), tmp_path)
    full = OSError(errno.ENOSPC, "No space left on device")
    open_path = Path.open

    def opened(path: Path, mode: str = "r", **options: object) -> object:
        file = open_path(path, mode, **options)
        if path.suffix == ".part" and mode == "wb":
            limited, write = file, file.write
            count = iter([True, False])

            class Limited:
                def __enter__(self) -> "Limited":
                    return self

                def __exit__(self, *error: object) -> None:
                    limited.close()

                def write(self, chunk: bytes) -> int:
                    if not next(count):
                        raise full
                    return int(write(chunk))

            return Limited()
        return file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(DataError, match=r"\.part: cannot be written: No space left on device"):
            download(server.archive(), tmp_path)
    kept = (tmp_path / "corpus.tar.gz.part").stat().st_size
    assert kept == 1 << 20
    assert download(server.archive(), tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={kept}-"


def test_every_archive_has_a_checksum_and_a_secure_address() -> None:
    for kind, parts in ARCHIVES.items():
        for part in parts:
            archive = archive_of(kind, part)
            assert archive.url.startswith("https://")
            assert archive.name.endswith((".tar.gz", ".tar.bz2"))
            assert len(bytes.fromhex(archive.sha256)) == 32
    with pytest.raises(DataError, match="an4: cannot be downloaded; only librispeech, "):
        archive_of("an4", "all")
    with pytest.raises(DataError, match=r"ljspeech: has no 2 to download; it has 1\.1"):
        archive_of("ljspeech", "2")
