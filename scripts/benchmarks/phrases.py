"""`--phrases` on recordings of single commands: errors, and other words that are taken for phrases.

    python scripts/benchmarks/phrases.py MANIFEST [--bundle BUNDLE] [--json]

With all words of the manifest as phrases, without and with [unk]: the share of recordings whose
text is not the word. Then with ten of the words and [unk], several tens one after the other: the
share of recordings of these words that are not recognised, and the share of recordings of the other
words in which a phrase is recognised (false accepts), instead of [unk] or nothing. At last all
recordings with phrases that nobody says in them.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import click

from speechlstm import Recognizer
from speechlstm.audio import Piece
from speechlstm.corpora.manifest import Manifest
from speechlstm.errors import DataError
from speechlstm.parallel import num_usable_cores
from speechlstm.text.normalize import normalize
from speechlstm.text.phrases import UNKNOWN

NUM_PHRASES = 10
SEED = 1
UNSPOKEN = ("turn on the light", "what time is it", "call my mother", "play some music")

Recording = tuple[Path | Piece, str]


@click.command(help=__doc__)
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option("--bundle", "--model", "bundle", help="Bundle; by default that of the package.")
@click.option(
    "--words",
    "others",
    type=click.Path(path_type=Path),
    help="A manifest with further words, which are phrases or not as those of MANIFEST.",
)
@click.option("--sets", "num_sets", default=3, show_default=True, help="How many tens of words.")
@click.option("--most", type=int, help="Recordings, at most; by default all.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def main(
    manifest: Path,
    bundle: str | None,
    others: Path | None,
    num_sets: int,
    most: int | None,
    as_json: bool,
) -> None:
    """Measure and print the figures."""
    listed = Manifest(manifest)
    recordings = [(listed.recording(u), normalize(u.text)) for u in listed if u.text][:most]
    further = {normalize(u.text) for u in Manifest(others) if u.text} if others else set()
    words = sorted({text for _, text in recordings} | further)
    figures: dict[str, object] = {"num_recordings": len(recordings), "num_words": len(words)}
    for name, phrases in (("all words", words), ("all words and [unk]", [*words, UNKNOWN])):
        texts = _texts(bundle, phrases, recordings)
        wrong = sum(text != word for text, (_, word) in zip(texts, recordings, strict=True))
        figures[name] = {"errors": wrong, "share": round(wrong / len(recordings), 4)}
        print(f"{name}: {json.dumps(figures[name])}", flush=True)
    figures["ten words and [unk]"] = ten = _of_tens(bundle, words, recordings, num_sets)
    print(f"ten words and [unk]: {json.dumps(ten)}", flush=True)
    texts = _texts(bundle, [*UNSPOKEN, UNKNOWN], recordings)
    accepted = sum(bool(_phrases(text)) for text in texts)
    figures["unspoken phrases and [unk]"] = {"accepted": accepted}
    print(f"unspoken phrases and [unk]: {accepted} accepted")
    if as_json:
        print(json.dumps(figures))


def _of_tens(
    bundle: str | None, words: Sequence[str], recordings: Sequence[Recording], num_sets: int
) -> dict[str, object]:
    shuffled = random.Random(SEED).sample(words, len(words))
    num_own = num_missed = num_others = num_accepted = 0
    for index in range(num_sets):
        chosen = (shuffled * 2)[NUM_PHRASES * index : NUM_PHRASES * (index + 1)]
        texts = _texts(bundle, [*chosen, UNKNOWN], recordings)
        for text, (_, word) in zip(texts, recordings, strict=True):
            if word in chosen:
                num_own, num_missed = num_own + 1, num_missed + (text != word)
            else:
                num_others, num_accepted = num_others + 1, num_accepted + bool(_phrases(text))
    return {
        "missed": [num_missed, num_own, round(num_missed / num_own, 4)],
        "false_accepts": [num_accepted, num_others, round(num_accepted / num_others, 4)],
    }


def _phrases(text: str) -> list[str]:
    return [word for word in text.split() if word != UNKNOWN]


def _texts(
    bundle: str | None, phrases: Sequence[str], recordings: Sequence[Recording]
) -> list[str]:
    recognizer = Recognizer.load(bundle, phrases=phrases)
    results = recognizer.transcribe_files(
        [path for path, _ in recordings], jobs=num_usable_cores(), return_errors=True
    )
    return ["" if isinstance(result, DataError) else result.text for result in results]


if __name__ == "__main__":
    main()
