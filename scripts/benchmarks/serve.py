"""`speechlstm serve` under load: wrong and lost answers, waiting, throughput, memory.

    python scripts/benchmarks/serve.py [LIST.jsonl] [--clients 50] [--seconds 60] [--jobs 2]

Of the clients, seven tenths upload recordings, one after the other, with a second between them; one
of ten streams recordings in real time; one of ten uploads at 40 kB/s and reads slowly; one of ten
vanishes, in the middle of an upload or a stream. The recordings are those of data/samples, or of a
list. Answers are compared with what the recogniser of
the library says of the same recordings. A client that is asked to wait does so. Afterwards,
`speechlstm transcribe` does the recordings that the uploads were, with as many processes.

Wall-clock times hold for the machine as it is; processor time is that of all processes.
"""

import asyncio
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx
import numpy as np
from processes import measure
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from speechlstm import Recognizer, read_audio
from speechlstm.corpora.manifest import Manifest
from speechlstm.streaming import Final

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "samples").glob("*.wav"))
_BLOCK_SECONDS = 0.2
_SLOW_BYTES = 8000  # of each fifth of a second
_TRY_LATER = 1013  # the code that WebSockets are closed with when there are too many streams
_PAUSE_SECONDS = 1.0  # between two recordings of a client
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MEGABYTES = os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True)
class Recording:
    """A recording, with what must come of it."""

    path: Path
    content: bytes
    seconds: float
    rate: int
    pcm: bytes
    text: str
    stream_text: str


@dataclass
class Outcome:
    """What has come of all requests."""

    counts: Counter[str] = field(default_factory=Counter)
    upload_seconds: list[float] = field(default_factory=list)  # from the first try to the answer
    final_seconds: list[float] = field(default_factory=list)  # from the end of speech to the words
    uploaded: list[Recording] = field(default_factory=list)
    audio_seconds: float = 0.0
    memory: list[float] = field(default_factory=list)  # megabytes, each second

    def check(self, kind: str, said: str, expected: str) -> None:
        """Count an answer."""
        self.counts[f"{kind} right" if said == expected else f"{kind} WRONG"] += 1


@dataclass(frozen=True)
class Load:
    """The server, the recordings, and what comes of them."""

    url: str
    recordings: list[Recording]
    outcome: Outcome
    end: float

    @property
    def is_over(self) -> bool:
        """Whether clients stop to ask for more."""
        return time.monotonic() > self.end


@click.command(help=__doc__)
@click.argument("manifest", required=False, type=click.Path(path_type=Path, exists=True))
@click.option("--clients", default=50, show_default=True)
@click.option("--seconds", default=60.0, show_default=True)
@click.option("--jobs", default=2, show_default=True)
@click.option("--recordings", "num_recordings", default=40, show_default=True)
def main(
    manifest: Path | None, clients: int, seconds: float, jobs: int, num_recordings: int
) -> None:
    """Measure the server and print the figures."""
    recordings = _recordings(_paths(manifest, num_recordings))
    options = ["--port", "0", "--jobs", str(jobs), "--idle-seconds", "60"]
    command = [sys.executable, "-m", "speechlstm", "serve", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        found = re.search(r"http://\S+", server.stderr.readline())
        assert found, "the server has not started"
        load = Load(found[0], recordings, Outcome(), time.monotonic() + seconds)
        start, cpu = time.monotonic(), _cpu_seconds(server.pid)
        asyncio.run(_run(load, clients, server.pid))
        took, used = time.monotonic() - start, _cpu_seconds(server.pid) - cpu
        server.terminate()
        code = server.wait()
    _report(load.outcome, took, used, code)
    _compare(load.outcome.uploaded, jobs)


def _paths(manifest: Path | None, number: int) -> list[Path]:
    if manifest is None:
        return SAMPLES
    listed = Manifest(manifest)
    utterances = list(listed)
    chosen = utterances[:: max(1, len(utterances) // number)][:number]
    return [listed.path.parent / utterance.audio for utterance in chosen]


def _recordings(paths: list[Path]) -> list[Recording]:
    recognizer = Recognizer.load(readable=None)
    made = []
    for path in paths:
        audio = read_audio(path)
        pcm = (audio.samples * 32767).astype("<i2")
        stream = recognizer.open_stream(audio.sample_rate)
        events = [*stream.feed(pcm), *stream.finish()]
        texts = [event.text for event in events if isinstance(event, Final) and event.text]
        text = recognizer.transcribe_file(path).readable
        made.append(
            Recording(
                path, path.read_bytes(), audio.duration, audio.sample_rate, pcm.tobytes(), text,
                " ".join(texts),
            )
        )  # fmt: skip
    return made


async def _run(load: Load, clients: int, pid: int) -> None:
    kinds = [_upload] * 7 + [_stream, _upload_slowly, _vanish]
    watching = asyncio.create_task(_watch(load.outcome, pid))
    async with httpx.AsyncClient(timeout=600, limits=httpx.Limits(max_connections=None)) as http:
        work = (
            _client(load, kinds[number % len(kinds)], http, random.Random(number))
            for number in range(clients)
        )
        await asyncio.gather(*work)
    watching.cancel()


Kind = Callable[[Load, httpx.AsyncClient, random.Random], Awaitable[None]]


async def _client(load: Load, kind: Kind, http: httpx.AsyncClient, chance: random.Random) -> None:
    while not load.is_over:
        try:
            await kind(load, http, chance)
        except ConnectionClosed as error:
            is_busy = error.rcvd is not None and error.rcvd.code == _TRY_LATER
            load.outcome.counts["asked to wait" if is_busy else "LOST (closed)"] += 1
        except (httpx.HTTPError, OSError) as error:
            load.outcome.counts[f"LOST ({type(error).__name__})"] += 1
        await asyncio.sleep(_PAUSE_SECONDS)


async def _upload(load: Load, http: httpx.AsyncClient, chance: random.Random) -> None:
    recording = chance.choice(load.recordings)
    files = {"file": (recording.path.name, recording.content)}
    start = time.monotonic()
    while True:
        response = await http.post(f"{load.url}/v1/audio/transcriptions", files=files)
        if response.status_code != 429:
            break
        load.outcome.counts["asked to wait"] += 1
        await asyncio.sleep(int(response.headers["retry-after"]))
    load.outcome.upload_seconds.append(time.monotonic() - start)
    _count_upload(load.outcome, recording, response)


def _count_upload(outcome: Outcome, recording: Recording, response: httpx.Response) -> None:
    if response.status_code != 200:
        outcome.counts[f"LOST (status {response.status_code})"] += 1
        return
    outcome.uploaded.append(recording)
    outcome.audio_seconds += recording.seconds
    outcome.check("uploads", response.json()["text"], recording.text)


async def _upload_slowly(load: Load, http: httpx.AsyncClient, chance: random.Random) -> None:
    recording = chance.choice(load.recordings)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    async def body() -> AsyncIterator[bytes]:
        whole = head + recording.content + b"\r\n--x--\r\n"
        for start in range(0, len(whole), _SLOW_BYTES):
            yield whole[start : start + _SLOW_BYTES]
            await asyncio.sleep(0.2)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    url = f"{load.url}/v1/audio/transcriptions"
    async with http.stream("POST", url, content=body(), headers=headers) as response:
        await asyncio.sleep(1)
        await response.aread()
    if response.status_code == 429:
        load.outcome.counts["asked to wait"] += 1
    else:
        _count_upload(load.outcome, recording, response)


async def _stream(load: Load, http: httpx.AsyncClient, chance: random.Random) -> None:
    recording = chance.choice(load.recordings)
    async with connect(_stream_url(load, recording)) as link:
        texts: list[str] = []
        ended = asyncio.create_task(_read_stream(link, texts))
        size = 2 * round(_BLOCK_SECONDS * recording.rate)
        try:
            for start in range(0, len(recording.pcm), size):
                await link.send(recording.pcm[start : start + size])
                await asyncio.sleep(_BLOCK_SECONDS)
            await link.send('{"type": "end"}')
            start_of_wait = time.monotonic()
            await ended
        finally:
            await asyncio.wait({ended})
            ended.exception()  # the server may have closed the stream: see _client
        load.outcome.final_seconds.append(time.monotonic() - start_of_wait)
    load.outcome.audio_seconds += recording.seconds
    load.outcome.check("streams", " ".join(texts), recording.stream_text)


async def _read_stream(link: Any, texts: list[str]) -> None:
    async for message in link:
        event = json.loads(message)
        if event["type"] == "final" and event["text"]:
            texts.append(event["text"])
        if event["type"] == "error":
            texts.append(event["error"]["message"])


async def _vanish(load: Load, http: httpx.AsyncClient, chance: random.Random) -> None:
    recording = chance.choice(load.recordings)
    load.outcome.counts["vanished"] += 1
    if chance.random() < 0.5:
        async with connect(_stream_url(load, recording)) as link:
            await link.send(recording.pcm[: len(recording.pcm) // 4 * 2])
            link.transport.abort()
        return
    host, port = load.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    writer.write(head.encode())
    await writer.drain()
    await asyncio.sleep(chance.random())
    writer.transport.abort()


def _stream_url(load: Load, recording: Recording) -> str:
    return f"{load.url.replace('http', 'ws')}/v1/stream?sample_rate={recording.rate}"


async def _watch(outcome: Outcome, pid: int) -> None:
    while True:
        outcome.memory.append(sum(map(_resident_megabytes, _family(pid))))
        await asyncio.sleep(1)


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return [pid, *map(int, children)]


def _resident_megabytes(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1]) * _PAGE_MEGABYTES


def _cpu_seconds(pid: int) -> float:
    stats = [Path(f"/proc/{p}/stat").read_text("utf-8").rsplit(")", 1)[1] for p in _family(pid)]
    return sum(int(s.split()[11]) + int(s.split()[12]) for s in stats) / _TICKS


def _report(outcome: Outcome, took: float, cpu: float, code: int) -> None:
    for name, count in sorted(outcome.counts.items()):
        click.echo(f"{name}: {count}")
    click.echo(f"exit code of the server: {code}")
    for name, values in (
        ("an upload takes", outcome.upload_seconds),
        ("a stream's last words come after", outcome.final_seconds),
    ):
        if not values:
            continue
        p50, p95 = statistics.median(values), float(np.percentile(values, 95))
        click.echo(f"{name} {p50:.2f} s (median), {p95:.2f} s (95 of 100)")
    audio = outcome.audio_seconds
    click.echo(
        f"{audio:.0f} s of audio in {took:.0f} s: {audio / took:.1f} x real time; "
        f"{cpu:.0f} s of processor time, {cpu / audio:.3f} for each second of audio"
    )
    third = max(1, len(outcome.memory) // 3)
    first, last = outcome.memory[third // 2 : third], outcome.memory[-third:]
    click.echo(f"memory: {max(first):.0f} MB in the first third, {max(last):.0f} MB in the last")


def _compare(uploaded: list[Recording], jobs: int) -> None:
    paths = [recording.path for recording in uploaded]
    audio = sum(recording.seconds for recording in uploaded)
    command = [sys.executable, "-m", "speechlstm", "transcribe", "--readable"]
    usage = measure([*command, "--jobs", str(jobs), *paths])
    click.echo(
        f"transcribe --jobs {jobs} of the uploads: {audio / usage.seconds:.1f} x real time, "
        f"{usage.cpu_seconds / audio:.3f} s of processor time for each second of audio"
    )


if __name__ == "__main__":
    main()
