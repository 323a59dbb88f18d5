import asyncio
import base64
import json
import os
import signal
import socket
import sys
import wave
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from speechlstm.recognizer import Recognizer
from speechlstm.streaming import Final, Partial

Wait = Callable[[Callable[[], object]], None]
SAMPLES = Path(__file__).parents[2] / "data" / "samples"
RATE = 16000


@pytest.fixture(scope="session")
def speech(spoken: Callable[[str], NDArray[np.float32]]) -> NDArray[np.int16]:
    """Two utterances, "hello" and "good day", with pauses after them."""
    pause = np.zeros(RATE, np.float32)
    whole = np.concatenate([spoken("hello"), pause, spoken("good day"), pause])
    return (whole * 32767).astype(np.int16)


def stream_url(server: Any, query: str = "") -> str:
    return f"{server.url.replace('http', 'ws')}/v1/stream{query}"


def vosk_url(server: Any) -> str:
    return f"{server.url.replace('http', 'ws')}/vosk"


def messages(link: ClientConnection) -> Iterator[dict[str, Any]]:
    """What comes until the server closes the connection."""
    try:
        while True:
            yield json.loads(link.recv(timeout=30))
    except ConnectionClosed:
        return


def sent_in_blocks(link: ClientConnection, pcm: bytes, size: int = 3200) -> None:
    for start in range(0, len(pcm), size):
        link.send(pcm[start : start + size])


def recognized(levels_bundle: Path, speech: NDArray[np.int16]) -> list[dict[str, Any]]:
    """What the stream of the library says of the same samples."""
    stream = Recognizer.load(levels_bundle).open_stream(RATE)
    events = [*stream.feed(speech), *stream.finish()]
    assert {type(event) for event in events} == {Partial, Final}
    return [json.loads(json.dumps(event.to_dict())) for event in events]


@pytest.mark.parametrize("size", [777, 3200, 70_000])  # an odd number of bytes is no problem
def test_a_stream_has_the_events_of_the_library(
    server: Any, speech: NDArray[np.int16], levels_bundle: Path, size: int
) -> None:
    with connect(stream_url(server, "?sample_rate=16000")) as link:
        sent_in_blocks(link, speech.tobytes(), size)
        link.send('{"type": "end"}')
        ready, *events, end = messages(link)
        assert link.close_code == 1000
    assert ready == {"type": "ready"}
    assert events == recognized(levels_bundle, speech)
    assert end == {"type": "end", "duration": round(len(speech) / RATE, 3)}


def test_the_first_message_may_have_the_rate_and_the_last_the_formats(
    server: Any, speech: NDArray[np.int16]
) -> None:
    with connect(stream_url(server)) as link:
        link.send('{"type": "start", "sample_rate": 16000, "formats": ["srt", "text"]}')
        link.send(speech.tobytes())
        link.send('{"type": "end"}')
        *_, end = messages(link)
    assert end["formats"]["text"] == "hello good day\n"
    assert end["formats"]["srt"].startswith("1\n00:00:00,")


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("not JSON", "must be JSON, is 'not JSON'"),
        ("[1]", "must be a JSON object"),
        ("{}", "the first message must be"),
        (b"\0\0", "the first message must be"),
        ('{"type": "start"}', "sample_rate must be a number, is None"),
        ('{"type": "start", "sample_rate": NaN}', "must be JSON"),
        ('{"type": "start", "sample_rate": 1e999}', "must be JSON"),
        ('{"type": "start", "sample_rate": true}', "must be a number, is True"),
        ('{"type": "start", "sample_rate": "16000"}', "must be a number"),
        ('{"type": "start", "sample_rate": 16000.5}', "must be a whole number"),
        ('{"type": "start", "sample_rate": 1}', "outside 4,000 to 768,000 Hz"),
        ('{"type": "start", "sample_rate": 16000, "speed": 2}', "unknown key 'speed'"),
        ('{"type": "start", "sample_rate": 16000, "formats": "srt"}', "formats must be a list"),
        ('{"type": "start", "sample_rate": 16000, "formats": ["xml"]}', "formats must be a list"),
        ("[" * 100_000, "must be JSON"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_wrong_start_is_one_error(server: Any, first: str | bytes, words: str) -> None:
    with connect(stream_url(server)) as link:
        link.send(first)
        (error,) = messages(link)
        assert link.close_code == 1007
    assert error["type"] == "error"
    assert words in error["error"]["message"]
    assert "\n" not in error["error"]["message"]


def test_the_query_may_have_the_formats_and_the_first_message_the_rate(
    server: Any, speech: NDArray[np.int16]
) -> None:
    with connect(stream_url(server, "?formats=text&formats=srt")) as link:
        link.send('{"type": "start", "sample_rate": 16000}')
        link.send(speech.tobytes())
        link.send('{"type": "end"}')
        *_, end = messages(link)
    assert (end["formats"]["text"], set(end["formats"])) == ("hello good day\n", {"text", "srt"})
    with connect(stream_url(server, "?language=en")) as link:
        link.send('{"type": "start", "sample_rate": 16000}')
        (error,) = messages(link)
    assert "unknown key 'language'" in error["error"]["message"]


def test_only_paths_of_streams_take_websockets_and_they_take_nothing_else(server: Any) -> None:
    for path in ("/v1/streams", "/healthz", "/"):
        with pytest.raises(InvalidStatus) as refused, connect(f"{vosk_url(server)[:-5]}{path}"):
            pass
        response = refused.value.response
        assert response.status_code == 404
        assert "no stream at this path" in json.loads(response.body or b"")["error"]["message"]
    for url in (stream_url(server), vosk_url(server)):
        answer = httpx.get(url.replace("ws", "http", 1))
        assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
        assert "WebSockets" in answer.json()["error"]["message"]


def test_a_rate_that_is_given_twice_is_an_error(server: Any) -> None:
    with connect(stream_url(server, "?sample_rate=8000&sample_rate=16000")) as link:
        (error,) = messages(link)
    assert error["error"]["message"] == "sample_rate is given 2 times"


def test_what_was_said_before_an_error_is_not_lost(server: Any, speech: NDArray[np.int16]) -> None:
    said = speech[: len(speech) - RATE]  # without the pause that would end the utterance
    for garbage in ("not JSON", '{"type": "stop"}', "\ud7ff" * 10):
        with connect(stream_url(server, "?sample_rate=16000")) as link:
            link.send(said.tobytes())
            link.send(garbage)
            *_, final, error = messages(link)
        assert (final["type"], final["text"]) == ("final", "good day")
        assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")


def test_garbage_as_sound_gives_no_words_or_some_but_no_error(server: Any) -> None:
    noise = np.random.default_rng(1).integers(-32768, 32767, 3 * RATE).astype(np.int16)
    with connect(stream_url(server, "?sample_rate=16000")) as link:
        sent_in_blocks(link, noise.tobytes())
        link.send('{"type": "end"}')
        *_, end = messages(link)
    assert end == {"type": "end", "duration": 3.0}


def num_streams(server: Any) -> float:
    metrics = httpx.get(f"{server.url}/metrics").text
    return float(metrics.split("\nspeechlstm_streams_running ")[1].split()[0])


def test_clients_that_vanish_or_send_too_much_at_once_leave_others_alone(
    server: Any, speech: NDArray[np.int16], wait_until: Wait
) -> None:
    with connect(stream_url(server, "?sample_rate=16000")) as steady:
        steady.send(speech[:RATE].tobytes())
        with connect(stream_url(server, "?sample_rate=16000")) as vanishing:
            vanishing.send(speech.tobytes())
            vanishing.socket.shutdown(socket.SHUT_RDWR)
        with connect(stream_url(server, "?sample_rate=16000")) as greedy:
            with pytest.raises(ConnectionClosed):
                greedy.send(bytes(2 << 20))
                for _ in messages(greedy):
                    pass
                greedy.recv()
            # 1006: what it still sends is answered by a reset, which may overtake the close frame.
            assert greedy.close_code in (1009, 1006)
        wait_until(lambda: num_streams(server) == 1)
        steady.send(speech[RATE:].tobytes())
        steady.send('{"type": "end"}')
        texts = [event["text"] for event in messages(steady) if event["type"] == "final"]
    assert texts == ["hello", "good day"]
    wait_until(lambda: num_streams(server) == 0)


def test_what_a_client_has_left_behind_is_not_recognised(
    server: Any, speech: NDArray[np.int16], wait_until: Wait
) -> None:
    def seconds() -> float:
        metrics = httpx.get(f"{server.url}/metrics").text
        line = next(x for x in metrics.splitlines() if x.startswith("speechlstm_fed_seconds_total"))
        return float(line.split()[1])

    before, minute = seconds(), np.resize(speech, 32 * RATE)
    with connect(stream_url(server, "?sample_rate=16000")) as link:
        link.send(minute.tobytes())
        link.socket.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: num_streams(server) == 0)
    assert seconds() - before < 32


@pytest.mark.slow
def test_streams_need_the_token_and_the_site(start_server: Any, server: Any) -> None:
    guarded = start_server("--token", "s3cret", "--max-streams", "1")

    def status(url: str, **options: Any) -> int:
        with pytest.raises(InvalidStatus) as caught:
            connect(url, **options)
        body = json.loads(caught.value.response.body)
        assert body["error"]["message"]
        return caught.value.response.status_code

    url = stream_url(guarded, "?sample_rate=16000")
    assert status(url) == 401
    assert status(url, additional_headers={"Authorization": "Bearer wrong"}) == 401
    assert status(url, subprotocols=["speechlstm.stream", "bearer.AAAA"]) == 401
    assert status(stream_url(server), origin="https://example.org") == 403
    coded = base64.urlsafe_b64encode(b"s3cret").decode().rstrip("=")
    with connect(url, subprotocols=["speechlstm.stream", f"bearer.{coded}"]) as link:
        assert link.subprotocol == "speechlstm.stream"
        assert json.loads(link.recv()) == {"type": "ready"}
        right = {"Authorization": "Bearer s3cret"}
        with connect(url, additional_headers=right) as second:  # one stream at a time
            (error,) = messages(second)
            assert (error["error"]["code"], second.close_code) == ("busy", 1013)


@pytest.mark.slow
def test_limits_end_a_stream_with_its_words(
    start_server: Any, speech: NDArray[np.int16], wait_until: Wait
) -> None:
    server = start_server("--max-minutes", "0.05", "--idle-seconds", "1")
    said = speech[: len(speech) - RATE]
    with connect(stream_url(server, "?sample_rate=16000")) as silent:
        silent.send(said.tobytes())
        *_, final, error = messages(silent)
        assert (final["text"], error["error"]["code"]) == ("good day", "idle")
        assert silent.close_code == 1008
    with connect(stream_url(server, "?sample_rate=16000")) as long:
        for _ in range(3):
            long.send(said.tobytes())
        *_, final, error = messages(long)
        assert (final["text"], error["error"]["code"]) == ("good day", "too_long")
    wait_until(lambda: num_streams(server) == 0)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="stops the server's processes")
def test_a_dead_process_and_the_end_of_the_server_close_streams(
    start_server: Any, speech: NDArray[np.int16], wait_until: Wait
) -> None:
    server = start_server()
    said = speech[: len(speech) - RATE]

    def is_replaced(killed: list[int]) -> bool:
        alive = len(server.workers()) == len(killed) and not {*killed} & {*server.workers()}
        return alive and httpx.get(f"{server.url}/healthz").status_code == 200

    for speaks_at_once in (True, False):
        with connect(stream_url(server, "?sample_rate=16000")) as first:
            assert json.loads(first.recv()) == {"type": "ready"}
            killed = server.workers()
            for worker in killed:
                os.kill(worker, signal.SIGKILL)
            if not speaks_at_once:
                wait_until(partial(is_replaced, killed))
            first.send(said.tobytes())
            (error,) = messages(first)
            assert (error["error"]["code"], first.close_code) == ("worker_died", 1011)
        wait_until(partial(is_replaced, killed))
    with connect(stream_url(server, "?sample_rate=16000")) as second:
        second.send(said.tobytes())
        wait_for_final = iter(lambda: json.loads(second.recv())["type"], "final")
        assert {*wait_for_final} == {"ready", "partial"}
        server.process.send_signal(signal.SIGTERM)
        *_, final, error = messages(second)
        assert (final["type"], final["text"]) == ("final", "good day")
        assert (error["error"]["code"], second.close_code) == ("going_away", 1001)
    assert server.process.wait(10) == 0
    assert "Traceback" not in server.stderr()


async def vosk_test_client(url: str, recording: Path) -> list[dict[str, Any]]:
    """What the test client of vosk-server does: an answer for each block of 0.2 s, then eof."""
    answers = []
    async with connect_async(url) as link:
        with wave.open(str(recording), "rb") as file:
            config = {"config": {"sample_rate": file.getframerate()}}
            await link.send(json.dumps(config))
            while data := file.readframes(int(file.getframerate() * 0.2)):
                await link.send(data)
                answers.append(json.loads(await link.recv()))
        await link.send('{"eof" : 1}')
        answers.append(json.loads(await link.recv()))
    return answers


@pytest.mark.slow
def test_vosk_s_test_client_gets_the_words_of_a_sample(start_server: Any) -> None:
    server = start_server(bundle=Path("english"))
    answers = asyncio.run(vosk_test_client(vosk_url(server), SAMPLES / "date.wav"))
    results = [answer for answer in answers if "result" in answer]
    partials = [answer["partial"] for answer in answers if "partial" in answer]
    assert len(results) + len(partials) == len(answers)
    assert " ".join(result["text"] for result in results if result["text"]) == (
        "july fourth seventeen seventy six"
    )
    words = [word for result in results for word in result["result"]]
    assert [word["word"] for word in words] == ["july", "fourth", "seventeen", "seventy", "six"]
    assert all(0 < word["start"] < word["end"] < 2.6 and 0 < word["conf"] <= 1 for word in words)
    assert any(partial.startswith("july") for partial in partials)


def vosk_answers(server: Any, *sent: str | bytes) -> list[dict[str, Any]]:
    with connect(vosk_url(server)) as link:
        for message in sent:
            link.send(message)
        return list(messages(link))


def test_vosk_s_protocol(server: Any, speech: NDArray[np.int16]) -> None:
    pcm, eof = speech[: len(speech) - RATE].tobytes(), '{"eof": 1}'
    rate = '{"config": {"sample_rate": 16000.0, "words": %d, "max_alternatives": %d}}'
    first, last = vosk_answers(server, rate % (1, 0), pcm, eof)
    assert first["text"] == "hello"
    assert [word["word"] for word in last["result"]] == ["good", "day"]
    assert last["text"] == "good day"
    assert vosk_answers(server, rate % (0, 0), pcm, eof)[-1] == {"text": "good day"}
    (alternative,) = vosk_answers(server, rate % (1, 3), pcm, eof)[-1]["alternatives"]
    assert alternative["text"] == "good day"
    assert [word["word"] for word in alternative["result"]] == ["good", "day"]
    assert vosk_answers(server, eof) == [{"result": [], "text": ""}]
    texts = '{"config": {"sample_rate": "16000", "words": null, "max_alternatives": "-1"}}'
    assert vosk_answers(server, texts, pcm, eof)[-1] == {"text": "good day"}  # as vosk-server


def test_vosk_s_phrase_list_is_a_closed_grammar(server: Any, speech: NDArray[np.int16]) -> None:
    def text(*phrases: str) -> str:
        config = {"config": {"sample_rate": RATE, "phrase_list": phrases}}
        answers = vosk_answers(server, json.dumps(config), speech.tobytes(), '{"eof": 1}')
        return " ".join(answer["text"] for answer in answers if answer.get("text"))

    assert text("Hello", "good day", "bye", "day ж") == "hello good day"
    assert text("hello", "[unk]", "hello") == "hello [unk]"
    assert set(text("hello").split()) == {"hello"}
    assert text() == "hello good day"
    (error,) = vosk_answers(server, '{"config": {"phrase_list": ["ж"]}}', b"\0\0")
    assert error["error"]["message"] == (
        "phrase_list: the model can spell none of its phrases: 'ж'"
    )


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("config", "must be JSON"),
        ('{"config": 1}', "config must be an object"),
        ('{"config": {"max_alternatives": "two"}}', "max_alternatives must be a number"),
        ('{"config": {"sample_rate": []}}', "sample_rate must be a number"),
        ('{"config": {"phrase_list": "yes"}}', "phrase_list must be a list"),
        ('{"config": {"phrase_list": ["[a]"]}}', "one phrase a line, of words alone"),
        ('{"what": 1}', "neither config nor eof"),
    ],
)
def test_wrong_messages_in_vosk_s_protocol_are_one_error(
    server: Any, message: str, words: str
) -> None:
    (answer,) = vosk_answers(server, message)
    assert words in answer["error"]["message"]
    (wrong_rate,) = vosk_answers(server, '{"config": {"sample_rate": -1}}', b"\0\0")
    assert "outside 4,000 to 768,000 Hz" in wrong_rate["error"]["message"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="ends the server by SIGTERM")
def test_a_stream_that_is_refused_leaves_no_message(start_server: Callable[..., Any]) -> None:
    server = start_server("--token", "secret")
    given = {"Authorization": "Bearer secret"}
    for path, headers in (("/v1/stream", None), ("/v1/streams", given)):
        url = f"{vosk_url(server)[:-5]}{path}"
        with pytest.raises(InvalidStatus), connect(url, additional_headers=headers):
            pass
    lines = ("GET / HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade", "", "")
    address = server.url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), 10) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert b" 4" in connection.recv(100)
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(20) == 0
    (line,) = server.stderr().splitlines()
    assert line.startswith("Ending: ")
