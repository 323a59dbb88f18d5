import re
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile

from speechlstm.audio import read_audio
from speechlstm.corpora.manifest import Manifest, Utterance, recording_of, write_manifest
from speechlstm.corpora.overlap import first_overlap
from speechlstm.corpora.shards import pack
from speechlstm.errors import AudioError, ManifestError, MissingDependencyError
from speechlstm.storage import address_of, read_address, remote

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")


class Server(ThreadingHTTPServer):
    """Serves a folder; fails for some paths, and counts what it is asked for."""

    def __init__(self, folder: Path, knows_ranges: bool) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
        self.knows_ranges, self.asked = knows_ranges, Counter[str]()
        self.failures: dict[str, list[int]] = {}  # statuses by path; 0: the connection is closed
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        if failures := self.server.failures.get(self.path):
            if status := failures.pop(0):
                self.send_error(status)
                return
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"the beginning")
            return
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        path = Path(self.directory, self.path[1:])
        if self.server.knows_ranges and wanted and path.is_file():
            content = path.read_bytes()[int(wanted[1]) : int(wanted[2]) + 1]
            self.send_response(206)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        else:
            super().do_GET()

    def send_error(self, status: int, *_: object) -> None:
        """As S3 sends it."""
        code = {403: "AccessDenied", 404: "NoSuchKey"}.get(status, "InternalError")
        content = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 302:
            self.send_header("Location", self.path)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[True, False], ids=["ranges", "no ranges"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    monkeypatch.setattr(remote, "_WAIT_SECONDS", 0.0)
    (tmp_path / "served").mkdir()
    with Server(tmp_path / "served", request.param) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def manifest(tmp_path: Path, server: Server) -> Manifest:
    """Three recordings, of which the last one has another address than the manifest's folder."""
    folder = tmp_path / "served" / "lists"
    (folder / "wav").mkdir(parents=True)
    for name in "abc":
        noise = np.random.default_rng(ord(name)).integers(-9999, 9999, 8000)
        soundfile.write(folder / "wav" / f"{name}.wav", noise.astype(np.int16), 8000)
    listed = [
        Utterance("a", "wav/a.wav", 1.0, "one"),
        Utterance("b", "../lists/wav/b.wav", 0.5, "two", offset=0.25),
        Utterance("c", f"{server.address}/lists/wav/c.wav", 1.0, "three"),
    ]
    write_manifest(folder / "all.jsonl", listed)
    return Manifest(f"{server.address}/lists/all.jsonl")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("s3://bucket/a b/c.wav", "s3://bucket/a b/c.wav"),
        (Path("s3://bucket") / "c.wav", "s3://bucket/c.wav"),
        ("gs:\\bucket\\c.wav", "gs://bucket/c.wav"),
        (Path("https://host/x/../y.wav?v=1"), "https://host/y.wav?v=1"),
        ("https://host/y.wav?v=a//b/../c", "https://host/y.wav?v=a//b/../c"),
        ("s3://bucket/x?/../y.wav", "s3://bucket/y.wav"),
        ("a/https://host/y.wav", None),
        ("http:", None),
        ("C:/x.wav", None),
    ],
)
def test_addresses_are_told_from_paths(path: Path | str, address: str | None) -> None:
    assert address_of(path) == address


def test_content_and_parts_of_it(server: Server, tmp_path: Path) -> None:
    (tmp_path / "served" / "x").write_bytes(b"0123456789")
    assert read_address(f"{server.address}/x") == b"0123456789"
    assert read_address(f"{server.address}/x", 3, 4) == b"3456"
    with pytest.raises(OSError, match="ends too early"):
        read_address(f"{server.address}/x", 8, 4)


@pytest.mark.parametrize("failures", [[500], [0, 503], [429, 0, 502]])
def test_what_fails_is_tried_again(failures: list[int], server: Server, tmp_path: Path) -> None:
    (tmp_path / "served" / "x").write_bytes(b"0123456789")
    server.failures["/x"] = [*failures]
    assert read_address(f"{server.address}/x") == b"0123456789"
    assert server.asked["/x"] == len(failures) + 1


@pytest.mark.parametrize(
    ("failures", "reason", "attempts"),
    [
        ([404], "cannot be read: no such file", 1),
        ([403], "cannot be read: the server says 403 Forbidden", 1),
        ([503] * 4, r"cannot be read: the server says 503 Service Unavailable \(4 attempts\)", 4),
        (
            [0] * 4,
            r"cannot be read: the connection was closed before the end of the file \(4 attempts\)",
            4,
        ),
        (
            [302] * 20,
            "cannot be read: the server sends from one address to the next without end",
            10,  # redirects that aiohttp follows
        ),
    ],
)
def test_what_cannot_be_read_is_named_in_a_line(
    failures: list[int], reason: str, attempts: int, server: Server, manifest: Manifest
) -> None:
    server.failures["/lists/wav/a.wav"] = [*failures]
    server.failures["/lists/all.jsonl"] = [*failures]
    folder = Path(f"{server.address}/lists")
    with pytest.raises(AudioError, match=rf"^{server.address}/lists/wav/a\.wav: {reason}$"):
        read_audio(folder / "wav" / "a.wav")
    with pytest.raises(ManifestError, match=rf"^{server.address}/lists/all\.jsonl: {reason}$"):
        list(manifest)
    assert server.asked["/lists/all.jsonl"] == server.asked["/lists/wav/a.wav"] == attempts


def test_a_server_that_is_gone_is_named(server: Server) -> None:
    with pytest.raises(AudioError, match=r"^http://127\.0\.0\.1:9/a\.wav: cannot be read: .*9"):
        read_audio("http://127.0.0.1:9/a.wav")


def test_manifests_recordings_and_shards_are_read_as_local_ones_are(
    manifest: Manifest, server: Server, tmp_path: Path
) -> None:
    listed = list(manifest)
    local = tmp_path / "served" / "lists"
    assert len(list(pack(manifest, tmp_path / "served" / "shards"))) == 3
    shards = Manifest(f"{server.address}/shards")
    for name, utterance, packed in zip("abc", listed, shards, strict=True):
        samples, _ = soundfile.read(local / "wav" / f"{name}.wav", dtype="float32")
        wanted = samples[2000:6000] if name == "b" else samples
        for found in (manifest.recording(utterance), shards.recording(packed)):
            np.testing.assert_array_equal(read_audio(found).samples, wanted)
    assert first_overlap([manifest], [Manifest(local / "all.jsonl")]) is not None
    assert first_overlap([manifest], [shards]) is None
    moved = [manifest.moved_to(tmp_path, utterance) for utterance in listed]
    assert [u.audio for u in moved] == [f"{server.address}/lists/wav/{name}.wav" for name in "abc"]
    sound = read_audio(recording_of(moved[1], tmp_path))
    np.testing.assert_array_equal(sound.samples, read_audio(manifest.recording(listed[1])).samples)


@pytest.mark.parametrize(
    "name", ["no #1.wav", "a?b.wav", "a%20b.wav", "100%.wav", "\u00fc.wav", "a+b&c=d.wav"]
)
def test_a_path_in_a_list_is_that_of_the_file_whatever_its_characters(
    name: str, server: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "served"
    for number, other in enumerate((name, "a b.wav", "no ", "a")):
        soundfile.write(
            folder / other, np.full(800, number, np.int16), 8000, "PCM_16", format="WAV"
        )
    write_manifest(folder / "all.jsonl", [Utterance("a", name, 0.1)])
    for query in ("", "?signature=a/b"):
        manifest = Manifest(f"{server.address}/all.jsonl{query}")
        (utterance,) = manifest
        moved = manifest.moved_to(tmp_path, utterance)
        for recording in (manifest.recording(utterance), recording_of(moved, tmp_path)):
            assert not read_audio(recording).samples.any()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(remote.importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r"pip install 'speechlstm\[remote\]'"):
        read_audio("https://example.org/a.wav")


def test_s3_is_read_by_s3fs(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server answers as an S3 endpoint does, which has buckets as its uppermost folders."""
    s3fs = pytest.importorskip("s3fs")
    for name, value in (
        ("AWS_ENDPOINT_URL", server.address), ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_DEFAULT_REGION", "us-east-1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    (tmp_path / "served" / "bucket").mkdir()
    (tmp_path / "served" / "bucket" / "x").write_bytes(b"0123456789")
    assert read_address("s3://bucket/x") == b"0123456789"
    assert read_address("s3://bucket/x", 3, 4) == b"3456"
    server.failures["/bucket/x"] = [403]
    with pytest.raises(AudioError, match=r"^s3://bucket/x: cannot be read: .*AccessDenied"):
        read_audio("s3://bucket/x")
