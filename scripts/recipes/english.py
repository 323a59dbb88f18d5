"""Recipe of the English model in the package: corpora, text and a dictionary to a bundle.

    python scripts/recipes/wordnet_text.py /usr/share/wordnet -o wordnet.txt
    KERAS_BACKEND=torch python scripts/recipes/english.py CORPORA --text wordnet.txt \
        -o speechlstm/assets/english

CORPORA holds a folder a corpus with train.jsonl and perhaps valid.jsonl, text/books.txt.xz and
text/modern.txt.xz for the language models, lexicon/cmudict.dict, and noise/ with recordings. Each
step is a command that a user could type; its product stays in the work folder, and a step whose
product is there is not done again: after an interruption, run the recipe again. The network is
trained on whichever backend of Keras is fastest (torch, on processors), and exported by TensorFlow.

Read speech alone would make a network that hears words in every noise and a language model that
knows no spelled letters: recordings without speech are trained on too, and the text gets lines of
letters, digits, dates and commands. Books alone would make one of another century: as much text of
today stands beside them, --text adds what WordNet says of its words, and at last the model is
adapted to the transcripts of what is trained on.

Neither network need begin anew: --init-weights is a checkpoint of the acoustic one to train on
from, --init-lm the run of an LSTM language model to adapt.

No recording of a valid list may be trained on, which training refuses, and no sentence of one is
left in the text for the language model.
"""

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import click
from synthesize import COMMANDS, EDITS, sentence

from speechlstm.corpora.manifest import Manifest, write_manifest
from speechlstm.corpora.split import write_split
from speechlstm.errors import SpeechLSTMError
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.text import read_sentences
from speechlstm.storage import write_atomically
from speechlstm.text import normalize
from speechlstm.text.lexicon import Lexicon

CONFIG = Path(__file__).with_suffix(".toml")
READ = ("common-voice", "common-voice-1", "cmu-arctic", "kathleen", "librispeech", "lj-prompts",
        "ljspeech-part", "speechocean762", "librispeech-more", "common-voice-more")  # fmt: skip
SAID = ("an4", "speech-commands", "fsdd")  # letters, digits, commands; without a valid list
VALID = ("librispeech", "common-voice")
VALIDATION_SHARE = 0.1
SEED = 1
NUM_SAID = 60_000  # lines of letters, digits, dates and commands beside a million of books
TEXTS = ("books", "modern")
# At most 65,533 words: from there on each n-gram takes two bytes more.
LM = ["--order", "3", "--prune", "0 3 6", "--vocabulary", "60000", "--quantize"]
LSTM = ["--vocabulary", "30000", "--epochs", "2", "--batch-words", "5120", "--dropout", "0",
        "--precision", "bfloat16"]  # fmt: skip
# Then it is adapted to what recordings say, with a part of the texts lest it forget them.
ADAPTED = ["--epochs", "1", "--learning-rate", "1.5e-3", "--batch-words", "2560"]
NUM_REPEATS = 5  # of each transcript
EVERY = 5  # one of so many sentences of the texts


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="BUNDLE")
@click.option("--text", "texts", type=click.Path(path_type=Path, exists=True), multiple=True,
              metavar="FILE", help="More text for the language models.")  # fmt: skip
@click.option("--init-weights", "weights", type=click.Path(path_type=Path, exists=True),
              metavar="NPZ", help="Weights of the network to train on from.")  # fmt: skip
@click.option("--init-lm", type=click.Path(path_type=Path, exists=True), metavar="RUN",
              help="Run of an LSTM language model to adapt.")  # fmt: skip
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/english"),
              show_default=True, help="Folder of what the steps make.")  # fmt: skip
def main(
    corpora: Path,
    output: Path,
    texts: tuple[Path, ...],
    weights: Path | None,
    init_lm: Path | None,
    work: Path,
) -> None:
    """Make what is not there yet, then evaluate."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        train, valid = make_lists(corpora, work, READ, SAID, VALID)
        make_model(corpora, work, train, valid, CONFIG, weights)
        make_language_model(corpora, work, train, valid, texts, init_lm)
        make_bundle(work, valid, output)
    except (SpeechLSTMError, OSError) as error:
        sys.exit(f"Error: {error}")
    subprocess.run(
        [
            sys.executable,
            Path(__file__).parents[1] / "benchmarks" / "model_card.py",
            "--bundle",
            output,
            *valid,
        ],
        check=True,
    )


def make_lists(
    corpora: Path, work: Path, whole: Sequence[str], split: Sequence[str], valid_of: Sequence[str]
) -> tuple[list[Path], list[Path]]:
    """Manifests to train on and to validate with.

    Args:
        corpora: A folder a corpus.
        work: Where new manifests are put.
        whole: Corpora to train on.
        split: Corpora of which a share of the speakers is held out for validation.
        valid_of: Corpora with a list to validate with.
    """
    train = [corpora / name / "train.jsonl" for name in whole]
    valid = [corpora / name / "valid.jsonl" for name in valid_of]
    for name in split:
        parts = work / f"{name}-train.jsonl", work / f"{name}-valid.jsonl"
        if not all(part.exists() for part in parts):
            write_split(Manifest(corpora / name / "train.jsonl"), VALIDATION_SHARE, SEED, *parts)
        train.append(parts[0])
        valid.append(parts[1])
    return train, valid


def make_model(
    corpora: Path,
    work: Path,
    train: list[Path],
    valid: list[Path],
    settings: Path,
    weights: Path | None = None,
) -> None:
    """The network, with an output for characters and one for phones.

    Args:
        corpora: Where the noise and the dictionary are.
        work: The folder of the run.
        train: Manifests of speech; silence and noise are added.
        valid: Manifests to validate with.
        settings: Of the training, a TOML file; a copy of it is put beside the noise it names.
        weights: To start from, a checkpoint of such a network; None: fresh ones.
    """
    noise, lexicon, run = work / "noise.jsonl", work / "train.dict", work / "run"
    silence = [work / "silence" / "train.jsonl", work / "noise-silence.jsonl"]
    if not silence[0].exists():
        make_silence = Path(__file__).with_name("make_silence.py")
        subprocess.run([sys.executable, make_silence, silence[0].parent], check=True)
    if not noise.exists():
        speechlstm("manifest", "build", corpora / "noise", "--no-text", "-o", noise, may_skip=True)
        write_manifest(silence[1], (replace(u, text="") for u in Manifest(noise)))
    if not lexicon.exists():
        speechlstm("lexicon", *train, "-o", lexicon, *dictionary(corpora, work))
    if not (run / "run.json").exists():
        config = work / settings.name
        write_atomically(config, settings.read_bytes())
        lists = [*pairs("--train", train + silence), *pairs("--valid", valid)]
        speechlstm(
            "train", *lists, "-o", run, "--config", config, "--lexicon", lexicon, "--prepare"
        )
    if weights:
        from speechlstm.training.engine.run_folder import RunFolder  # imports Keras

        write_atomically(RunFolder(run).initial, weights.read_bytes())
    speechlstm("train", "--resume", "-o", run)


def make_language_model(
    corpora: Path,
    work: Path,
    train: list[Path],
    valid: list[Path],
    added: Sequence[Path],
    init_lm: Path | None = None,
) -> None:
    """An n-gram and an LSTM model; how their words and the dictionary's are pronounced.

    Args:
        corpora: Where the texts and the dictionary are.
        work: The folder of the models.
        train: Manifests of what the network hears; those of read speech first.
        valid: Manifests whose sentences are left out of the text.
        added: Further texts.
        init_lm: The run of an LSTM to adapt; None: one is trained first.
    """
    lm, words, lexicon = work / "english.lm", work / "words.txt", work / "words.dict"
    texts, said = [corpora / "text" / f"{name}.txt.xz" for name in TEXTS], work / "said.txt"
    transcripts, heard, part = work / "transcripts.txt", work / "valid.txt", work / "part.txt"
    exclude = pairs("--exclude", valid[: len(VALID)])
    if not lm.exists():
        write_said(corpora, said)
        write_transcripts(train[: len(READ)], transcripts)
        speechlstm("lm", "build", *texts, said, transcripts, *added, "-o", lm, *LM, *exclude)
    first, run, lstm = init_lm or work / "lm-texts", work / "lm-run", work / "english.tflite"
    if not heard.exists():
        write_transcripts(valid[: len(VALID)], heard)
    if not (first / "run.json").exists():
        speechlstm("lm", "train", *texts, said, "--valid", heard, "-o", first, *LSTM, *exclude)
    if not (run / "run.json").exists():
        if not init_lm:
            speechlstm("lm", "train", "--resume", "-o", first)
        sentences = islice(chain.from_iterable(map(read_sentences, [*texts, said])), 0, None, EVERY)
        write_atomically(part, "".join(f"{sentence}\n" for sentence in sentences))
        speechlstm(
            "lm", "train", part, *added, *[transcripts] * NUM_REPEATS, "--valid", heard, "-o", run,
            "--init-from", first, *ADAPTED, *exclude,
        )  # fmt: skip
    if not lstm.exists():
        speechlstm("lm", "train", "--resume", "-o", run)
        speechlstm("lm", "export", run, "-o", lstm, "--quantize", "int8")
    if not lexicon.exists():
        known = [*NGramModel.open(lm).words, *Lexicon.read(cmudict(corpora)).entries]
        spelled = dict.fromkeys(word for word in known if normalize(word) == word)
        write_atomically(words, "".join(f"{word}\n" for word in spelled))
        speechlstm("lexicon", words, "-o", lexicon, *dictionary(corpora, work))


def write_transcripts(manifests: Sequence[Path], path: Path) -> None:
    """Each sentence that is said in some recording once."""
    utterances = (utterance for manifest in manifests for utterance in Manifest(manifest))
    sentences = dict.fromkeys(normalize(utterance.text or "") for utterance in utterances)
    write_atomically(path, "".join(f"{sentence}\n" for sentence in sentences if sentence))


def write_said(corpora: Path, path: Path) -> None:
    """Random lines of what people say to machines: commands, spelled words, numbers, dates."""
    words = Lexicon.read(cmudict(corpora)).entries
    spelled = [" ".join(word) for word in words if word.isalpha() and 2 < len(word) < 12]
    rng = random.Random(SEED)
    lines = []
    for kind in rng.choices(["command", "spelled", "sentence"], weights=[35, 25, 40], k=NUM_SAID):
        if kind == "sentence":
            lines.append(sentence(rng))
        else:
            lines.append(rng.choice(spelled if kind == "spelled" else [*COMMANDS, *EDITS]))
    write_atomically(path, "".join(f"{line}\n" for line in lines))


def make_bundle(work: Path, valid: list[Path], output: Path) -> None:
    """Export, add the parts of the decoder, find its weights on the valid lists."""
    speechlstm("export", work / "run", "-o", output, "--quantize", "int8")
    names = {"--lm": "english.lm", "--lexicon": "words.dict", "--pronouncer": "pronouncer.tflite",
             "--neural-lm": "english.tflite"}  # fmt: skip
    parts = [argument for option, name in names.items() for argument in (option, work / name)]
    speechlstm("tune", output, *valid, *parts, "--neural-lm-mode", "fuse")


def dictionary(corpora: Path, work: Path) -> list[str | Path]:
    """Options of `speechlstm lexicon`."""
    return ["--dictionary", cmudict(corpora), "--pronouncer", work / "pronouncer.tflite"]


def cmudict(corpora: Path) -> Path:
    """Carnegie Mellon University's pronouncing dictionary."""
    return corpora / "lexicon" / "cmudict.dict"


def pairs(option: str, values: Sequence[Path]) -> list[str | Path]:
    """An option given once for each value."""
    return [argument for value in values for argument in (option, value)]


def speechlstm(*arguments: str | Path, may_skip: bool = False) -> None:
    """Run a command as a user would.

    Args:
        arguments: Of the command.
        may_skip: Whether it may say with exit code 1 that some recordings cannot be used.
    """
    click.echo(f"speechlstm {' '.join(map(str, arguments))}", err=True)
    code = subprocess.run([sys.executable, "-m", "speechlstm", *arguments], check=False).returncode
    if code and not (may_skip and code == 1):
        sys.exit(code)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
