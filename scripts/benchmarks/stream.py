"""Live recognition of real speech: accuracy, delays, processor time, memory.

    python scripts/benchmarks/stream.py LIST.jsonl [LIST.jsonl ...] [--endpoint-seconds 0.6]

The recordings of the lists are joined into one stream, each after a pause of noise as loud as its
quietest part, and played in blocks of 0.1 s. The clock is simulated, so that the figures hold for a
machine with one core to spare, whatever else this one does: a block comes when it would have been
recorded, and what the recogniser does with it takes the processor time that it takes here.

WER is compared with that of the same recogniser on the whole stream as a file. A word is late by
the time from its end (in the final event) to the first event that has it in this place; a final
event by the time from the end of its last word, which includes the pause that is waited for.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from speechlstm import Audio, Recognizer, Word
from speechlstm.corpora.manifest import Manifest
from speechlstm.evaluation.metrics import word_errors
from speechlstm.streaming import ENDPOINT_SECONDS, Event, Final, Stream
from speechlstm.text.normalize import normalize

_BLOCK_SECONDS = 0.1
_SAME_PLACE_SECONDS = 0.3  # how much the start of a word may differ between events
_STATUS = Path("/proc/self/statm")

Samples = NDArray[np.float32]
Timed = tuple[float, Event]  # the time of the simulated clock, and an event


@click.command(help=__doc__)
@click.argument("lists", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--bundle", type=click.Path(path_type=Path), help="By default that of the package.")
@click.option("--every", default=1, show_default=True, help="Use every n-th recording only.")
@click.option("--pause-seconds", default=1.0, show_default=True)
@click.option("--endpoint-seconds", default=ENDPOINT_SECONDS, show_default=True)
@click.option("--hours", type=float, help="Only memory and time, of the stream again and again.")
@click.option("--fast", is_flag=True, help="Search without the LSTM language model.")
@click.option("--greedy", is_flag=True, help="Decode by the best path.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    lists: tuple[Path, ...],
    bundle: Path | None,
    every: int,
    pause_seconds: float,
    endpoint_seconds: float,
    hours: float | None,
    fast: bool,
    greedy: bool,
    as_json: bool,
) -> None:
    """Play the stream and print the figures."""
    recognizer = Recognizer.load(bundle, fast=fast, greedy=greedy)
    rate = recognizer.model.sample_rate
    samples, reference = joined(lists, every, pause_seconds, rate)
    stream = recognizer.open_stream(rate, endpoint_seconds)
    if hours:
        figures = endurance(stream, samples, rate, hours)
    else:
        figures = accuracy(recognizer, stream, samples, reference)
    for name, value in figures.items():
        click.echo(
            f"{name:>28}  {value:.4g}" if isinstance(value, float) else f"{name:>28}  {value}"
        )
    if as_json:
        click.echo(json.dumps(figures))


def accuracy(
    recognizer: Recognizer, stream: Stream, samples: Samples, reference: str
) -> dict[str, Any]:
    """Error rates, delays and processor time of a stream that is played once."""
    rate = recognizer.model.sample_rate
    start = time.process_time()
    events = list(played(stream, blocks(samples, rate), rate))
    used = time.process_time() - start
    finals = [(at, event) for at, event in events if isinstance(event, Final)]
    words = word_delays(events)
    ends = [at - final.words[-1].end for at, final in finals if final.words]
    start = time.process_time()
    offline = recognizer.transcribe(Audio(samples, rate)).text
    offline_used = time.process_time() - start
    live = " ".join(final.text for _, final in finals if final.text)
    return {
        "seconds": stream.seconds,
        "segments": len(finals),
        "WER live": word_errors(reference, live).rate,
        "WER offline": word_errors(reference, offline).rate,
        "words changed": word_errors(offline, live).rate,
        "word delay, median": statistics.median(words),
        "word delay, 90 %": float(np.quantile(words, 0.9)),
        "final delay, median": statistics.median(ends),
        "final delay, 90 %": float(np.quantile(ends, 0.9)),
        "final delay, largest": max(ends),
        "share of a core": used / stream.seconds,
        "share of a core, offline": offline_used / stream.seconds,
    }


def endurance(stream: Stream, samples: Samples, rate: int, hours: float) -> dict[str, Any]:
    """Memory and processor time of a long stream."""
    num_blocks = round(hours * 3600 / _BLOCK_SECONDS)
    repeated = (block for _ in iter(int, 1) for block in blocks(samples, rate))
    start, megabytes = time.process_time(), []
    for _ in range(12):
        for _event in played(stream, islice(repeated, num_blocks // 12), rate, is_end=False):
            pass
        megabytes.append(resident_megabytes())
        print(f"{stream.seconds / 3600:.2f} h  {megabytes[-1]} MB", file=sys.stderr, flush=True)
    return {
        "hours": stream.seconds / 3600,
        "megabytes, each twelfth": megabytes,
        "share of a core": (time.process_time() - start) / stream.seconds,
    }


def blocks(samples: Samples, rate: int) -> Iterator[Samples]:
    """The samples in blocks."""
    size = round(_BLOCK_SECONDS * rate)
    return (samples[start : start + size] for start in range(0, len(samples), size))


def played(
    stream: Stream, arriving: Iterable[Samples], rate: int, is_end: bool = True
) -> Iterator[Timed]:
    """The events of a stream with the time of the simulated clock."""
    clock = stream.seconds
    for block in arriving:
        arrival = stream.seconds + len(block) / rate
        start = time.process_time()
        events = stream.feed(block)
        clock = max(clock, arrival) + time.process_time() - start
        yield from ((clock, event) for event in events)
    if is_end:
        start = time.process_time()
        events = stream.finish()
        clock += time.process_time() - start
        yield from ((clock, event) for event in events)


def word_delays(events: Sequence[Timed]) -> list[float]:
    """For each word of the final events, how long after its end it has first been shown."""
    delays: list[float] = []
    segment: list[Timed] = []
    for at, event in events:
        segment.append((at, event))
        if isinstance(event, Final):
            delays += [first_shown(word, segment) - word.end for word in event.words]
            segment = []
    return delays


def first_shown(word: Word, segment: Sequence[Timed]) -> float:
    """The time of the first event of a segment that has a word."""
    return next(
        at
        for at, event in segment
        for shown in event.words
        if shown.text == word.text and abs(shown.start - word.start) <= _SAME_PLACE_SECONDS
    )


def resident_megabytes() -> int:
    """The resident memory of this process; where that is not known, the largest so far."""
    if _STATUS.exists():
        return round(int(_STATUS.read_text().split()[1]) * resource.getpagesize() / 1e6)
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(largest * (1 if sys.platform == "darwin" else 1024) / 1e6)


def joined(
    lists: Sequence[Path], every: int, pause_seconds: float, rate: int
) -> tuple[NDArray[np.float32], str]:
    """The recordings of the lists with pauses between them, and their texts."""
    generator = np.random.default_rng(0)
    pieces, texts = [], []
    utterances = [(Manifest(path), u) for path in lists for u in Manifest(path)]
    for manifest, utterance in utterances[::every]:
        audio = Audio.load(manifest.recording(utterance), rate)
        window = rate // 10
        whole = audio.samples[: len(audio.samples) // window * window].reshape(-1, window)
        level = float(np.sqrt(np.square(whole).mean(axis=1).min()))
        noise = level * generator.normal(size=round(pause_seconds * rate))
        pieces += [noise.astype(np.float32), audio.samples]
        texts.append(normalize(utterance.text or ""))
    return np.clip(np.concatenate(pieces), -1, 1), " ".join(texts)


if __name__ == "__main__":
    main()
