"""What comes with speech: phrases, hot words, texts to align, messages to a server, samples."""

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.random import Generator

from fuzzing import samples
from fuzzing.mutate import changed_json, spliced
from speechlstm.cli.decoding import listed_hot_words
from speechlstm.cli.options import read_text
from speechlstm.errors import DataError, SpeechLSTMError
from speechlstm.recognizer import Recognizer
from speechlstm.text.phrases import read_phrase_file
from speechlstm.transcript.formats import FORMATS

PHRASES = "a hat\nthe bat:2.5\n[unk]:0.5\nhat a bat\n\nthe\n"
HOT_WORDS = "hat\nthe bat:2.5\n\nzebra:-1\nBat's\n"
SUBTITLES = (
    "1\n00:00:00,100 --> 00:00:01,500\n<i>A hat</i>\n- the bat\n\n2\n00:00:02,000 --> "
    "00:00:03,000\n{\\an8}a\n",
    "WEBVTT - a\n\nNOTE b\n\nc\n00:00.100 --> 00:01.500 line:0\n<v Bob>A hat &amp;\n\n00:02.000 "
    "--> 00:03.000\nthe <00:02.500><u>bat</u>\n",
    "A hat,\nthe bat - a!\n\n***\nthe 5 hats\n",
)
_MESSAGES: tuple[dict[str, Any], ...] = (
    {"type": "start", "sample_rate": 16000, "formats": ["srt", "json"]},
    {"type": "end"},
    {"config": {"sample_rate": 8000, "words": 1, "max_alternatives": 2, "phrase_list": ["a hat"]}},
    {"config": {"sample_rate": "16000.0", "words": None}},
    {"eof": 1},
)
_TYPES = ("float32", "float64", "float16", "int8", "int16", "int32", "uint8", "uint16", "bool")
_SIZES = (0, 1, 2, 7, 480, 1600, 20_000)


def load_phrases(path: Path) -> None:
    """Read phrases, and recognise with them."""
    recognizer = Recognizer.load(samples.bundle(), phrases=read_phrase_file(path))
    recognizer.transcribe(samples.waveform_of("a hat the bat", recognizer.sample_rate))


def load_hot_words(path: Path) -> None:
    """Read hot words, and recognise with them."""
    recognizer = Recognizer.load(samples.bundle(), hot_words=listed_hot_words(path))
    recognizer.transcribe(samples.waveform_of("a hat the bat", recognizer.sample_rate))


@cache
def _recognizer() -> Recognizer:
    return Recognizer.load(samples.bundle())


def load_subtitles(path: Path) -> None:
    """Read a text or subtitles, align them and write them in all formats."""
    try:
        text = read_text(path)
    except OSError as error:
        raise DataError(str(error.strerror)) from None
    recording = path.with_name("a.wav")
    recording.write_bytes(_long_recording())
    transcript = _recognizer().align_file(recording, text)
    for name, written in FORMATS.items():
        content = written("a.wav", transcript)
        content.encode()
        if name in ("srt", "vtt") and content.count(" --> ") < len(transcript.lines):
            raise AssertionError(f"{name} lacks subtitles")


@cache
def _long_recording() -> bytes:
    import io

    import soundfile

    stream = io.BytesIO()
    audio = samples.waveform_of("a hat the bat " * 40, 16000)
    soundfile.write(stream, audio.samples, 16000, format="WAV")
    return stream.getvalue()


def make_messages(rng: Generator, folder: Path) -> Path:
    """Write what a client sends: a JSON list of texts, of numbers of zero bytes, and a path."""
    sent: list[Any] = []
    for _ in range(int(rng.integers(1, 5))):
        kind = rng.integers(5)
        message = _MESSAGES[rng.integers(len(_MESSAGES))]
        if kind == 0:
            sent.append(int(rng.integers(3)) * int(rng.integers(40_000)))
        elif kind == 1:
            sent.append(_sent(spliced(rng, json.dumps(message).encode(), _HOSTILE)))
        else:
            sent.append(json.dumps(changed_json(rng, message) if kind < 4 else message))
    protocol = ("stream", "stream?sample_rate=16000", "vosk")[rng.integers(3)]
    path = folder / "messages.json"
    path.write_text(json.dumps([protocol, *sent]))
    return path


_HOSTILE = (b"\0", b"[" * 100_000, b"9" * 5000, b"1e999", b"NaN", b"\\ud800", b"null", b'"a":')


def _sent(message: bytes) -> str:
    """Texts are UTF-8: the library of WebSockets refuses others."""
    return message.decode("utf-8", "replace")


def load_messages(path: Path) -> None:
    """Send messages to the endpoint of live streams."""
    protocol, *sent = json.loads(path.read_text())
    asyncio.run(_talk(protocol, sent))


async def _talk(protocol: str, sent: list[Any]) -> None:
    from starlette.datastructures import QueryParams
    from starlette.websockets import WebSocketDisconnect

    from speechlstm.server.metrics import Metrics
    from speechlstm.server.sessions import Session, StreamHub
    from speechlstm.server.settings import ServerSettings
    from speechlstm.server.streams import OwnStreams
    from speechlstm.server.vosk import VoskStreams

    waiting = iter(sent)

    async def receive() -> dict[str, Any]:
        message = next(waiting, None)
        if message is None:
            return {"type": "websocket.disconnect"}
        key, value = ("text", message) if isinstance(message, str) else ("bytes", bytes(message))
        return {"type": "websocket.receive", key: value}

    async def send_text(text: str) -> None:
        json.loads(text)
        text.encode()

    async def ask(request: object) -> Any:
        return _service()(request)

    path, _, query = protocol.partition("?")
    socket = SimpleNamespace(receive=receive, send_text=send_text, query_params=QueryParams(query))
    settings = ServerSettings(max_audio_seconds=60.0)
    hub: Any = StreamHub(SimpleNamespace(), settings, Metrics(), asyncio.Event())  # type: ignore[arg-type]
    session = Session(hub, socket, SimpleNamespace(ask=ask), key=1)  # type: ignore[arg-type]
    endpoint = (VoskStreams if path == "vosk" else OwnStreams)(hub)
    try:
        await endpoint.talk(session, socket)  # type: ignore[arg-type]
    except SpeechLSTMError as error:
        await session.send(endpoint.error(error))  # type: ignore[arg-type]
        raise
    except WebSocketDisconnect:
        pass
    finally:
        session.close()


@cache
def _service() -> Callable[[object], Any]:
    from speechlstm.server.service import Service

    return Service(samples.bundle(), {})


def make_samples(rng: Generator, folder: Path) -> Path:
    """Write blocks of samples of any types and shapes."""
    blocks = {f"block{i}": _block(rng) for i in range(int(rng.integers(1, 8)))}
    path = folder / "blocks.npz"
    np.savez(path, **blocks)
    return path


def _block(rng: Generator) -> Any:
    size = int(_SIZES[rng.integers(len(_SIZES))])
    shape = ((size,), (size, 1), (size, 2), (2, size), (size, 1, 1), ())[rng.integers(6)]
    block = rng.normal(0, 10.0 ** rng.integers(-4, 2), shape)
    if size and block.ndim and rng.random() < 0.3:
        block.flat[rng.integers(block.size)] = (np.nan, np.inf, 1e300, -1e10)[rng.integers(4)]
    kind = _TYPES[rng.integers(len(_TYPES))]
    scale = 1 if kind.startswith("float") else 100
    with np.errstate(all="ignore"):
        return (block * scale).astype(kind)


def load_samples(path: Path) -> None:
    """Feed a stream with blocks, and check what comes out of it.

    A block of another shape or type than the documented ones is a ValueError.
    """
    with np.load(path) as blocks:
        stream = _recognizer().open_stream(16000)
        events = list(_events(stream, blocks.values()))
    last = 0.0
    for event in events:
        json.dumps(event.to_dict(), allow_nan=False)
        for word in event.words:
            if not event.start - 1e-6 <= word.start < word.end <= event.end + 1e-6:
                raise AssertionError(f"{word} is not within {event.start} to {event.end}")
        if not last <= event.start <= event.end <= stream.seconds + 0.1:
            raise AssertionError(f"{event.start} to {event.end} after {last}")


def _events(stream: Any, blocks: Any) -> Iterator[Any]:
    for block in blocks:
        try:
            yield from stream.feed(block)
        except (DataError, ValueError):
            continue
    yield from stream.finish()
