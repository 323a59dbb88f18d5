"""Synthesize a training set of letters, digits, numbers, dates and commands.

espeak-ng and flite speak random sentences like those of AN4 and Speech Commands, for a model of
synthetic voices. The sentences of the recordings in data/samples are left out.

    python scripts/recipes/synthesize.py synthetic --num-utterances 1500 --seed 1
"""

import io
import random
import shutil
import string
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import soundfile
import soxr

from speechlstm.corpora.manifest import Utterance, write_manifest

SAMPLE_RATE = 16000
SAMPLES = Path(__file__).parents[2] / "data" / "samples"

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = [
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
]  # fmt: skip
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBERS = [*TEENS, *TENS, *(f"{ten} {digit}" for ten in TENS for digit in DIGITS[1:])]
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
DAYS = [
    *ORDINALS, "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth",
    "sixteenth", "seventeenth", "eighteenth", "nineteenth", "twentieth",
    *(f"twenty {day}" for day in ORDINALS), "thirtieth", "thirty first",
]  # fmt: skip
MONTHS = [
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
]  # fmt: skip
EDITS = ["enter", "rubout", "erase", "repeat", "help", "start", "stop", "yes", "no", "go"]
COMMANDS = [  # the words of Speech Commands
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "follow", "forward", "four",
    "go", "happy", "house", "learn", "left", "marvin", "nine", "no", "off", "on", "one", "right",
    "seven", "sheila", "six", "stop", "three", "tree", "two", "up", "visual", "wow", "yes", "zero",
]  # fmt: skip
# Both programs read a single "a" as the article, and British voices a single "z" as zed.
SPOKEN = {"flite": {"a": "ay"}, "espeak-ng": {"a": "[[eI]]", "z": "zee"}}


@dataclass(frozen=True)
class Voice:
    """A synthetic voice: the program, and the name of the voice in it."""

    program: str
    name: str

    def speak(self, text: str, words_a_minute: int) -> bytes:
        """Synthesize a text; returns the content of a WAV file at the sample rate of the voice."""
        spoken = " ".join(SPOKEN[self.program].get(word, word) for word in text.split())
        if self.program == "flite":
            stretch = 170 / words_a_minute  # flite's voices speak at about 170 words a minute
            options = ["-voice", self.name, "--setf", f"duration_stretch={stretch:.3f}"]
            command = ["flite", *options, "-t", spoken, "-o", "/dev/stdout"]
        else:
            options = ["-v", self.name, "-s", str(words_a_minute)]
            command = ["espeak-ng", *options, "--stdout", spoken]
        return subprocess.run(command, check=True, capture_output=True).stdout


FLITE = [Voice("flite", name) for name in ("slt", "rms", "awb", "kal16", "kal")]
ESPEAK = [
    Voice("espeak-ng", name)
    for name in (
        "en-us", "en-us+f2", "en-us+f4", "en-us+m3", "en-us+m7", "en-us+Annie", "en-us+john",
        "en-gb", "en-gb+f3", "en-gb+m2", "en-gb-x-rp", "en-us-nyc", "en-gb-scotland",
    )
]  # fmt: skip


def sentence(rng: random.Random) -> str:
    """A random sentence, with numbers as words."""
    digits = " ".join(rng.choices([*DIGITS, "oh"], k=rng.randint(1, 7)))
    letters = " ".join(rng.choices(string.ascii_lowercase, k=rng.randint(1, 9)))
    number = rng.choice(NUMBERS)
    code = " ".join(rng.choices(string.ascii_lowercase, k=rng.randint(0, 5)))
    count = rng.choice([*NUMBERS, " ".join(rng.choices(DIGITS, k=rng.randint(1, 4)))])
    date = f"{rng.choice(MONTHS)} {rng.choice(DAYS)}"
    year = f"{rng.choice([*TEENS[3:], 'twenty'])} {rng.choice(NUMBERS)}"
    commands = " ".join(rng.choices([*COMMANDS, *EDITS], k=rng.randint(1, 4)))
    kinds = {
        digits: 4,
        letters: 5,
        f"{number} {rng.choice(NUMBERS)}": 1,
        " ".join(f"{rng.choice(EDITS)} {code} {count}".split()): 4,
        f"{date} {year}": 2,
        date: 1,
        f"{rng.choice(MONTHS)} {year}": 1,
        commands: 4,
    }
    return rng.choices(list(kinds), list(kinds.values()))[0]


def plan(num_utterances: int, rng: random.Random) -> Iterator[tuple[str, Voice, int]]:
    """Yield texts, voices and words per minute, without the sentences of data/samples."""
    excluded = {path.read_text(encoding="utf-8").strip() for path in SAMPLES.glob("*.txt")}
    while num_utterances:
        text = sentence(rng)
        if text not in excluded:
            num_utterances -= 1
            yield text, rng.choice(rng.choice([FLITE, ESPEAK])), rng.randint(120, 200)


def record(path: Path, text: str, voice: Voice, words_a_minute: int) -> float:
    """Write a recording, 16 kHz mono 16-bit; returns its seconds."""
    samples, rate = soundfile.read(io.BytesIO(voice.speak(text, words_a_minute)))
    samples = soxr.resample(samples, rate, SAMPLE_RATE).clip(-1, 1)
    soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    return len(samples) / SAMPLE_RATE


@click.command(
    epilog="Example: python scripts/recipes/synthesize.py synthetic --num-utterances 1500"
)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--num-utterances", default=1500, show_default=True)
@click.option("--seed", default=1, show_default=True)
def main(folder: Path, num_utterances: int, seed: int) -> None:
    """Write FOLDER/train.jsonl and its recordings in FOLDER/audio."""
    for program in ("flite", "espeak-ng"):
        if shutil.which(program) is None:
            raise click.ClickException(f"{program} is not installed; run: apt install {program}")
    audio = folder / "audio"
    audio.mkdir(parents=True, exist_ok=True)

    def make(index: int, text: str, voice: Voice, words_a_minute: int) -> Utterance:
        name = f"{index:05d}"
        duration = record(audio / f"{name}.wav", text, voice, words_a_minute)
        return Utterance(name, f"audio/{name}.wav", duration, text, voice.name)

    planned = list(plan(num_utterances, random.Random(seed)))
    with ThreadPoolExecutor() as pool:
        utterances = pool.map(make, range(num_utterances), *zip(*planned, strict=True))
        write_manifest(folder / "train.jsonl", utterances)
    click.echo(f"{num_utterances} utterances in {folder / 'train.jsonl'}", err=True)


if __name__ == "__main__":
    main()
