"""Recipe: classifiers of commands and of speakers, and what they are worth on held-out speech.

    python scripts/recipes/classify.py CORPORA commands
    python scripts/recipes/classify.py CORPORA digits
    python scripts/recipes/classify.py CORPORA speakers

CORPORA is the same folder as for scripts/recipes/english.py.

commands: the 35 words of Speech Commands as classes, a tenth of the speakers held out. As there are
few recordings of each word, the layers are first trained by CTC on letters, digits, commands and
read speech, as those of scripts/recipes/commands.py. The bundle is stored in four bits.
digits: who of six speakers says a digit (FSDD), in a fifth of the recordings of each.
speakers: who of the speakers of AN4 and Speech Commands speaks, in a fifth of the recordings of
each; a tenth of the speakers is held out, and the embeddings of all pairs of their recordings are
compared by their cosine, after the mean embedding of the training recordings has been subtracted.
Both recordings of a pair are of the same corpus.

After an interruption, the same command continues.
"""

import json
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import click
import numpy as np
from english import SEED, dictionary, make_lists, pairs, speechlstm
from numpy.typing import NDArray

from speechlstm.classification import Classifier
from speechlstm.corpora.manifest import Manifest
from speechlstm.corpora.split import write_split
from speechlstm.errors import SpeechLSTMError
from speechlstm.evaluation.metrics import equal_error_rate
from speechlstm.storage import write_atomically

READ = ("common-voice", "cmu-arctic")
SAID = ("speech-commands", "an4", "fsdd")
SPEAKERS = ("an4", "speech-commands")
REPEATS = 3  # of the commands in an epoch of the layers they start from
SHARE = 0.2  # of a speaker's recordings, held out
EVERY = 5  # of the training recordings for the mean embedding


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("task", type=click.Choice(["commands", "digits", "speakers"]))
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/classify"),
              show_default=True, help="Folder for the results of the steps.")  # fmt: skip
def main(corpora: Path, task: str, work: Path) -> None:
    """Run the steps that are not done yet, then evaluate the bundle."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        {"commands": commands, "digits": digits, "speakers": speakers}[task](corpora, work)
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")


def commands(corpora: Path, work: Path) -> None:
    """35 words as classes."""
    train, valid = make_lists(corpora, work, READ, SAID, ())
    words, unseen = train[len(READ)], valid[0]
    noise, lexicon, letters = work / "noise.jsonl", work / "train.dict", work / "letters"
    if not noise.exists():
        speechlstm("manifest", "build", corpora / "noise", "--no-text", "-o", noise, may_skip=True)
    if not lexicon.exists():
        speechlstm("lexicon", *train, "-o", lexicon, *dictionary(corpora, work))
    said = pairs("--train", train + [words] * (REPEATS - 1))
    config = copied("letters", work)
    train_run(letters, *said, "--valid", unseen, "--config", config, "--lexicon", lexicon,
              "--from-scratch")  # fmt: skip
    run, bundle, config = work / "commands", work / "commands-bundle", copied("commands", work)
    train_run(run, "--task", "classify", "--label", "text", "--train", words, "--valid", unseen,
              "--config", config, "--init-from", letters)  # fmt: skip
    for quantization in ("int8", "int4"):
        path = bundle.with_name(f"{bundle.name}-{quantization}")
        speechlstm("export", run, "-o", path, "--quantize", quantization,
                   "--target", "interpreter")  # fmt: skip
        picture = path.with_suffix(".png")
        click.echo(f"{quantization}: {(path / 'model.tflite').stat().st_size} bytes")
        speechlstm("evaluate", unseen, "--bundle", path, "--confusion", picture)


def digits(corpora: Path, work: Path) -> None:
    """Six speakers of digits."""
    train, valid = split_by_recording(corpora / "fsdd" / "train.jsonl", "fsdd", work)
    who = classifier_of_speakers("digits", [train], [valid], work)
    speechlstm("evaluate", valid, "--bundle", who, "--confusion", work / "digits.png")


def speakers(corpora: Path, work: Path) -> None:
    """The speakers of two corpora, and pairs of recordings of others."""
    lists, unseen = make_lists(corpora, work, (), SPEAKERS, ())
    split = [split_by_recording(path, path.stem, work) for path in lists]
    train, valid = ([pair[part] for pair in split] for part in (0, 1))
    who = classifier_of_speakers("speakers", train, valid, work)
    for path in valid:
        speechlstm("evaluate", path, "--bundle", who)
    classifier = Classifier.load(who)
    known = [m.recording(u) for m in map(Manifest, train) for u in list(m)[::EVERY]]
    mean = np.mean([classifier.embed_file(path) for path in known], axis=0)
    for path in unseen:
        click.echo(json.dumps({"list": path.stem, **verification(classifier, path, mean)}))


def verification(
    classifier: Classifier, manifest: Path, mean: NDArray[np.float32]
) -> dict[str, float]:
    """The equal error rate of all pairs of recordings of a manifest, and their numbers."""
    found = Manifest(manifest)
    utterances = list(found)
    embeddings = np.array([classifier.embed_file(found.recording(u)) for u in utterances]) - mean
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    cosines = embeddings @ embeddings.T
    same: list[float] = []
    different: list[float] = []
    for i, j in combinations(range(len(utterances)), 2):
        is_same = utterances[i].speaker == utterances[j].speaker
        (same if is_same else different).append(cosines[i, j])
    rate, threshold = equal_error_rate(same, different)
    return {
        "speakers": len({u.speaker for u in utterances}),
        "same": len(same),
        "different": len(different),
        "equal_error_rate": round(rate, 4),
        "threshold": round(threshold, 3),
    }


def classifier_of_speakers(
    name: str, train: Sequence[Path], valid: Sequence[Path], work: Path
) -> Path:
    """Train a classifier of speakers, and export it; returns the bundle."""
    run, bundle = work / f"{name}-run", work / f"{name}-bundle"
    train_run(run, "--task", "classify", "--label", "speaker", "--from-scratch",
              *pairs("--train", list(train)), *pairs("--valid", list(valid)),
              "--config", copied("speakers", work))  # fmt: skip
    speechlstm("export", run, "-o", bundle, "--quantize", "int8", "--target", "interpreter")
    return bundle


def train_run(run: Path, *options: str | Path) -> None:
    """Train a run, or continue it."""
    if not (run / "run.json").exists():
        speechlstm("train", "-o", run, *options, "--prepare")
    speechlstm("train", "--resume", "-o", run)


def split_by_recording(manifest: Path, name: str, work: Path) -> tuple[Path, Path]:
    """Hold out a share of the recordings of each speaker; returns both lists."""
    parts = work / f"{name}-known.jsonl", work / f"{name}-new.jsonl"
    if not all(path.exists() for path in parts):
        write_split(Manifest(manifest), SHARE, SEED, *parts, "recording")
    return parts


def copied(name: str, work: Path) -> Path:
    """The settings of a run, beside the noise manifest that they name."""
    settings = Path(__file__).with_name(f"classify_{name}.toml")
    path = work / settings.name
    write_atomically(path, settings.read_bytes())
    return path


if __name__ == "__main__":
    main()
