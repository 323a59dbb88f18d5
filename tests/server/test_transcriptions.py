import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from speechlstm.recognizer import Recognizer

SAMPLES = Path(__file__).parents[2] / "data" / "samples"


def client(server: Any, key: str = "none") -> Any:
    openai = pytest.importorskip("openai")  # slow to import: for slow tests alone
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


def transcribed(server: Any, recording: bytes, **options: Any) -> Any:
    file = ("hello.wav", recording)
    with client(server) as openai:
        return openai.audio.transcriptions.create(model="whisper-1", file=file, **options)


@pytest.mark.slow
def test_openai_s_client_gets_the_recognizer_s_text(
    server: Any, hello: bytes, levels_bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "hello.wav").write_bytes(hello)
    expected = Recognizer.load(levels_bundle).transcribe_file(tmp_path / "hello.wav")
    assert transcribed(server, hello).text == expected.text == "hello world"
    assert transcribed(server, hello, response_format="text") == "hello world\n"
    assert transcribed(server, hello, response_format="srt") == expected.to_srt() + "\n"
    assert transcribed(server, hello, response_format="vtt") == expected.to_vtt() + "\n"


@pytest.mark.slow
def test_openai_s_client_gets_times(server: Any, hello: bytes) -> None:
    verbose = transcribed(
        server,
        hello,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
        temperature=0.0,
    )
    assert (verbose.text, verbose.language) == ("hello world", "english")
    assert verbose.duration == pytest.approx(0.45, abs=0.01)
    first, second = verbose.words
    assert (first.word, first.start, first.end) == ("hello", 0.01, 0.2)
    assert second.word == "world"
    (segment,) = verbose.segments
    assert (segment.text, segment.start, segment.end) == ("hello world", 0.01, second.end)
    assert -1 < segment.avg_logprob <= 0


@pytest.mark.slow
def test_openai_s_client_gets_events(
    server: Any, long_recording: Path, levels_bundle: Path
) -> None:
    with client(server) as openai:
        *deltas, done = openai.audio.transcriptions.create(
            model="whisper-1", file=long_recording, stream=True
        )
    assert {event.type for event in deltas} == {"transcript.text.delta"}
    assert len(deltas) >= 300 / 20
    assert done.type == "transcript.text.done"
    assert "".join(event.delta for event in deltas) == done.text
    assert done.text == Recognizer.load(levels_bundle).transcribe_file(long_recording).text


def test_events_hold_words_and_formats_if_asked_for(server: Any, hello: bytes) -> None:
    fields = {"stream": "true", "timestamp_granularities[]": "word", "formats[]": ["srt", "json"]}
    response = server.post(hello, "hello.wav", **fields)
    assert response.headers["content-type"].startswith("text/event-stream")
    delta, done = (json.loads(line[6:]) for line in response.text.split("\n\n") if line)
    assert [word["word"] for word in delta["words"]] == ["hello", "world"]
    assert delta["words"] == done["words"]
    assert done["formats"]["srt"].endswith("\nhello world\n")
    assert json.loads(done["formats"]["json"])["file"] == "hello.wav"


@pytest.mark.slow
def test_the_models_are_listed(server: Any) -> None:
    openai = pytest.importorskip("openai")
    with client(server) as asking:
        assert [model.id for model in asking.models.list()] == ["bundle"]
        assert asking.models.retrieve("bundle").owned_by == "speechlstm"
        with pytest.raises(openai.NotFoundError, match="this server has bundle"):
            asking.models.retrieve("other")


@pytest.mark.slow
@pytest.mark.parametrize(
    "content", [b"", b"no sound", b"RIFF" + bytes(40), bytes(range(256)) * 99], ids=len
)
def test_errors_have_the_command_line_s_words(
    server: Any, levels_bundle: Path, tmp_path: Path, content: bytes
) -> None:
    openai = pytest.importorskip("openai")
    (tmp_path / "a.wav").write_bytes(content)
    command = [sys.executable, "-m", "speechlstm", "transcribe", "--bundle", str(levels_bundle)]
    told = subprocess.run(
        [*command, "a.wav"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    with client(server) as asking, pytest.raises(openai.BadRequestError) as caught:
        asking.audio.transcriptions.create(model="whisper-1", file=tmp_path / "a.wav")
    error = caught.value.body
    assert f"Error: {error['message']}\n" == told.stderr
    assert (error["type"], error["param"]) == ("invalid_request_error", "file")


@pytest.mark.parametrize(
    ("fields", "status", "words", "param"),
    [
        ({"response_format": "xml"}, 400, "must be one of json,", "response_format"),
        ({"temperature": "nan"}, 400, "from 0 to 1, is 'nan'", "temperature"),
        ({"temperature": "warm"}, 400, "from 0 to 1, is 'warm'", "temperature"),
        ({"model": "large"}, 404, "this server has bundle", "model"),
        ({"stream": "maybe"}, 400, "must be one of true, false", "stream"),
        ({"language": "e1"}, 400, "a code of ISO 639-1", "language"),
        ({"path": "/etc/passwd"}, 400, "unknown field 'path'", "path"),
        ({"timestamp_granularities[]": "word"}, 400, "for response_format verbose_json", ...),
        ({"timestamp_granularities[]": "letter"}, 400, "one of word, segment", ...),
        ({"formats[]": "srt"}, 400, "formats are for stream=true", "formats"),
        ({"model": ["a", "b"]}, 400, "given 2 times", "model"),
        ({"prompt": "a" * 70_000}, 400, "more than 65536 bytes", "prompt"),
    ],
)
def test_wrong_fields_are_refused(
    server: Any, hello: bytes, fields: dict[str, Any], status: int, words: str, param: Any
) -> None:
    response = server.post(hello, **fields)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (status, "invalid_request_error")
    assert words in error["message"]
    assert "\n" not in error["message"]
    assert error["param"] == ("timestamp_granularities" if param is ... else param)


def test_a_request_must_be_a_form_with_one_file(server: Any, hello: bytes) -> None:
    url = server.recordings
    assert "field file" in httpx.post(url, json={"file": "/etc/passwd"}).json()["error"]["message"]
    assert httpx.post(url, files={"file": (None, "/etc/passwd")}).status_code == 400
    # A file is one without a name, too, and with one in the form that RFC 7578 forbids.
    for name in ("", "; filename*=UTF-8''na%C3%AFve.wav"):
        head = f'--x\r\nContent-Disposition: form-data; name="file"{name}\r\n\r\n'
        body = head.encode() + hello + b"\r\n--x--\r\n"
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        assert httpx.post(url, content=body, headers=form).json()["text"] == "hello world"
    two = [("file", ("a.wav", hello)), ("file", ("b.wav", hello))]
    assert "one recording" in httpx.post(url, files=two).json()["error"]["message"]
    long = {"Content-Type": f"multipart/form-data; boundary={'x' * 300}"}
    assert (
        "multipart/form-data"
        in httpx.post(url, content=b"--", headers=long).json()["error"]["message"]
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"garbage", b"--x\r\n\r\n", b'--x\r\nContent-Disposition: form-data; name="'):
        response = httpx.post(url, content=body, headers=headers)
        assert response.status_code == 400, body
        assert response.json()["error"]["message"]
    for head in ("Content-Type: audio/wav", "Content-Disposition: form-data"):
        body = f"--x\r\n{head}\r\n\r\n".encode() + hello + b"\r\n--x--\r\n"
        unnamed = httpx.post(url, content=body, headers=headers)
        assert "a part of the form has no name" in unnamed.json()["error"]["message"]
    assert httpx.get(url).status_code == 405
    assert httpx.get(f"{server.url}/nothing").json()["error"]["message"].startswith("there is")


def test_a_name_from_the_client_is_only_shown(server: Any) -> None:
    for name in ("../../etc/passwd", "/etc/passwd", "C:\\etc\\passwd"):
        response = server.post(b"", name)
        assert response.json()["error"]["message"].startswith("passwd: ")
    assert server.kept_files() == []


def test_a_damaged_recording_is_transcribed_as_far_as_possible(
    server: Any, long_recording: Path
) -> None:
    content = long_recording.read_bytes()[: long_recording.stat().st_size // 2]
    response = server.post(content, "cut.flac", response_format="verbose_json")
    assert response.status_code == 200
    assert response.json()["text"].startswith("hello world")
    assert "is truncated at 1" in response.json()["warning"]
    text = server.post(content, "cut.flac", response_format="text")
    assert text.headers["x-warning"].startswith("cut.flac is truncated at 1")


def raw_answer(server: Any, head: str, body: bytes = b"") -> str:
    """The answer to a request of which only a part is sent."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        connection.sendall(body)
        received = b""
        while b"}}" not in received and (piece := connection.recv(4096)):
            received += piece
    return received.decode()


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
HEAD = (
    "POST /v1/audio/transcriptions HTTP/1.1\nHost: a\nContent-Type: multipart/form-data; boundary=x"
)


def test_four_gigabytes_are_refused_before_they_are_sent(server: Any) -> None:
    answer = raw_answer(server, f"{HEAD}\nContent-Length: {4 << 30}", PART)
    assert answer.startswith("HTTP/1.1 413 ")
    assert "more than 500 MB" in answer


@pytest.mark.slow
def test_an_upload_without_a_length_is_stopped_at_the_limit(
    start_server: Callable[..., Any], hello: bytes
) -> None:
    server = start_server("--max-megabytes", "0.01", "--max-minutes", "0.005")
    chunk = b"%x\r\n" % (len(PART) + 2_000_000) + PART + bytes(2_000_000) + b"\r\n"
    answer = raw_answer(server, f"{HEAD}\nTransfer-Encoding: chunked", chunk)
    assert answer.startswith("HTTP/1.1 413 ")
    assert server.kept_files() == []
    error = server.post(hello).json()["error"]  # it is short enough, but not for these limits
    assert error == {
        "message": "a.wav: lasts 0 s, more than the limit of 0 s; cut it into shorter ones",
        "type": "invalid_request_error",
        "param": "file",
        "code": "too_long",
    }


@pytest.mark.slow
def test_a_prompt_changes_what_is_recognised(start_server: Callable[..., Any]) -> None:
    recording = (SAMPLES / "date.wav").read_bytes()
    server = start_server(bundle=Path("english"))
    assert transcribed(server, recording).text == "July 4, 1776."
    # The prompt has names, as many clients' have, and what no model of English can spell.
    assert transcribed(server, recording, prompt="Julia, Жуков, 1776").text == "July 4, 1776."
    wrong = server.post(recording, **{"keywords[]": "Жуков"}).json()["error"]
    assert wrong["param"] == "keywords"
    assert "not in the alphabet" in wrong["message"]
