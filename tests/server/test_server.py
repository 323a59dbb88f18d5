"""The server as a whole: processes that die, limits, who may call it, and its end."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from speechlstm.cli import main

Start = Callable[..., Any]
Wait = Callable[[Callable[[], object]], None]

linux = pytest.mark.skipif(sys.platform != "linux", reason="stops the server's processes")
HALF = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n"
HALF += "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"


def connect(server: Any) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


@pytest.mark.slow
@linux
def test_a_process_that_dies_is_replaced_and_its_request_answered(
    start_server: Start, hello: bytes, wait_until: Wait
) -> None:
    server = start_server()
    for worker in server.workers():
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.post, hello)
        wait_until(server.kept_files)
        for worker in server.workers():
            os.kill(worker, signal.SIGKILL)
        response = answer.result()
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "worker_died"
    wait_until(lambda: server.kept_files() == [])
    wait_until(lambda: httpx.get(f"{server.url}/healthz").status_code == 200)
    assert server.post(hello).json()["text"] == "hello world"
    assert "speechlstm_processes_replaced 2.0" in httpx.get(f"{server.url}/metrics").text


@pytest.mark.slow
@linux
def test_too_many_recordings_are_refused_and_late_ones_given_up(
    start_server: Start, hello: bytes, wait_until: Wait
) -> None:
    server = start_server("--queue", "1", "--timeout", "3")
    for worker in server.workers():
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(server.post, hello)
        wait_until(lambda: len(server.kept_files()) == 1)
        second = pool.submit(server.post, hello)
        wait_until(lambda: len(server.kept_files()) == 2)
        third = server.post(hello)
        assert (third.status_code, third.json()["error"]["code"]) == (429, "busy")
        assert 1 <= int(third.headers["retry-after"]) <= 60
        for late in (first.result(), second.result()):
            assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
    for worker in server.workers():
        os.kill(worker, signal.SIGCONT)
    assert server.post(hello).json()["text"] == "hello world"
    assert server.kept_files() == []


@pytest.mark.slow
@linux
def test_a_client_that_leaves_frees_its_process(
    start_server: Start, long_recording: Path, hello: bytes, wait_until: Wait
) -> None:
    server = start_server()
    for worker in server.workers():
        os.kill(worker, signal.SIGSTOP)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(server.recordings, files={"file": long_recording.read_bytes()}, timeout=0.5)
    wait_until(lambda: server.kept_files() == [])
    for worker in server.workers():
        os.kill(worker, signal.SIGCONT)
    assert server.post(hello).json()["text"] == "hello world"
    metrics = httpx.get(f"{server.url}/metrics").text
    assert 'path="/v1/audio/transcriptions",status="499"} 1.0' in metrics


@pytest.mark.slow
def test_a_token_is_asked_for(start_server: Start, hello: bytes, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n", encoding="utf-8")
    server = start_server("--token-file", str(tmp_path / "token"))
    for header in (None, "Bearer wrong", "Bearer s3cre", "Basic s3cret", "s3cret", "Bearer ж"):
        given = {"Authorization": header.encode()} if header else {}
        for path in ("/v1/models", "/metrics", "/v1/audio/transcriptions"):
            response = httpx.get(server.url + path, headers=given)
            assert (response.status_code, response.json()["error"]["code"]) == (
                401,
                "invalid_api_key",
            )
    right = {"Authorization": "Bearer s3cret"}
    assert httpx.get(f"{server.url}/v1/models", headers=right).status_code == 200
    posted = httpx.post(server.recordings, files={"file": hello}, headers=right)
    assert posted.json()["text"] == "hello world"
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}


@pytest.mark.slow
def test_pages_of_other_sites_are_refused_unless_allowed(
    start_server: Start, server: Any, hello: bytes
) -> None:
    def posted(to: Any, origin: str) -> httpx.Response:
        return httpx.post(to.recordings, files={"file": hello}, headers={"Origin": origin})

    assert posted(server, server.url).status_code == 200
    for origin in ("https://example.org", "null", "http://127.0.0.1", "http://[", "//[::1"):
        refused = posted(server, origin)
        assert refused.status_code == 403
        assert "may not use this server" in refused.json()["error"]["message"]
        assert "access-control-allow-origin" not in refused.headers
    allowing = start_server("--allow-origin", "https://example.org")
    allowed = posted(allowing, "https://example.org")
    assert allowed.headers["access-control-allow-origin"] == "https://example.org"
    assert posted(allowing, "https://example.com").status_code == 403
    asked = httpx.options(allowing.recordings, headers={"Origin": "https://example.org"})
    assert "Authorization" in asked.headers["access-control-allow-headers"]
    fields = "authorization,content-type,x-stainless-lang"  # as OpenAI's client asks
    asked = httpx.options(
        allowing.recordings,
        headers={"Origin": "https://example.org", "Access-Control-Request-Headers": fields},
    )
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, fields)


@pytest.mark.slow
@linux
def test_what_is_not_well_formed_leaves_no_message(start_server: Start) -> None:
    server = start_server()
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"garbage", b"--xy", b'--x\r\nA" B: c\r\n'):
        assert httpx.post(server.recordings, content=body, headers=form).status_code == 400
    assert httpx.get(server.url, headers={"Origin": "http://["}).status_code == 200
    with connect(server) as connection:
        connection.sendall(b"\x16\x03\x01\r\n\r\n")
        assert b" 400 " in connection.recv(100)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    (line,) = server.stderr().splitlines()
    assert line.startswith("Ending: ")


@pytest.mark.slow
@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_end_and_a_second_one_does_not(
    start_server: Start, hello: bytes, wait_until: Wait, number: signal.Signals
) -> None:
    server = start_server()
    workers = server.workers()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.post, hello)
        wait_until(server.kept_files)
        server.process.send_signal(number)
        for worker in workers:
            os.kill(worker, signal.SIGTERM)  # as systemd does; they stay until the server ends
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.5)
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
        assert answer.result().json()["text"] == "hello world"
    assert server.process.wait(10) == 0
    assert list(server.temporary.iterdir()) == []
    assert "Traceback" not in server.stderr()

    server = start_server()
    for worker in server.workers():
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(server.post, hello)
        wait_until(server.kept_files)
        server.process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(0.5)
        server.process.send_signal(number)
        assert server.process.wait(10) == 128 + number
        assert answer.exception() or answer.result().status_code >= 500
    assert list(server.temporary.iterdir()) == []


@pytest.mark.slow
@linux
def test_nothing_is_left_of_a_server_that_was_killed(start_server: Start, wait_until: Wait) -> None:
    server = start_server()
    workers = server.workers()
    with connect(server) as connection:
        connection.sendall(HALF.encode())
        wait_until(server.kept_files)
        server.process.kill()
        wait_until(lambda: list(server.temporary.iterdir()) == [])
    wait_until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


@pytest.mark.slow
def test_slow_clients_are_dismissed(start_server: Start, wait_until: Wait) -> None:
    server = start_server("--idle-seconds", "1")
    with connect(server) as silent, connect(server) as slow:
        slow.sendall(HALF.encode())
        assert silent.recv(100) == b""
        answer = "".join(iter(lambda: slow.recv(10_000).decode(), ""))
    assert answer.startswith("HTTP/1.1 408 ")
    assert "too slow or has stopped" in answer
    wait_until(lambda: server.kept_files() == [])


@pytest.mark.slow
def test_too_many_connections_are_refused(start_server: Start) -> None:
    server = start_server("--max-connections", "2")
    with connect(server):
        assert httpx.get(f"{server.url}/healthz").status_code == 200  # the second
        with connect(server):
            response = httpx.get(f"{server.url}/healthz")
    assert response.status_code == 503
    assert response.headers["connection"] == "close"
    error = response.json()["error"]
    assert (error["type"], error["code"]) == ("server_error", "busy")
    assert "--max-connections" in error["message"]
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def serve(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["serve", *arguments])
    return result.exit_code, result.stderr


@pytest.mark.slow
def test_errors_at_the_start_are_one_line(server: Any, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    code, told = serve("--port", port)
    assert (code, told.count("\n")) == (1, 1)
    assert told.startswith(f"Error: serve: 127.0.0.1:{port}: cannot listen there: Address already")
    (tmp_path / "empty").touch()
    for arguments, words in (
        (["--bundle", str(tmp_path)], "bundle.json"),
        (["--host", "nowhere.invalid", "--token", "a"], "no such address"),
        (["--token-file", str(tmp_path / "empty")], "is empty"),
        (["--token-file", str(tmp_path / "none")], "No such file"),
        (["--token", "a b"], "must not have spaces"),
        (["--allow-origin", "example.org"], "begins with http"),
    ):
        code, told = serve("--port", "0", *arguments)
        assert (code, told.count("\n")) == (1, 1), told
        assert words in told
    assert serve("--token", "a", "--token-file", "b")[0] == 2


def test_the_document_describes_the_routes(server: Any) -> None:
    document = httpx.get(f"{server.url}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            url = server.url + path.replace("{name}", "bundle")
            status = httpx.request(method, url).status_code
            assert str(status) in operation["responses"], path
