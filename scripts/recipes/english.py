"""Recipe of the English model in the package: from corpora, text and a dictionary to a bundle.

    python scripts/recipes/wordnet_text.py /usr/share/wordnet -o wordnet.txt
    KERAS_BACKEND=torch python scripts/recipes/english.py CORPORA --text wordnet.txt \
        -o speechlstm/assets/english

CORPORA has a folder for each corpus, with train.jsonl and, for some, valid.jsonl; text/books.txt.xz
and text/modern.txt.xz for the language models; text/punctuated.txt.xz for readable text;
lexicon/cmudict.dict; and noise/ with recordings.
Each step is a command that a user could type, whose result is kept in the work folder: after an
interruption, the recipe skips the steps that are done. The network is trained on the fastest
backend of Keras (torch, on a CPU) and exported by TensorFlow.

A network trained on read speech only would recognise words in noise, so recordings without speech
are added; a language model of books only would not know spelled letters, digits, dates and
commands, nor modern words, so such lines, modern text and --text (the definitions of WordNet) are
added. Finally, the LSTM language model is adapted to the transcripts of the training recordings.

Both networks may start from trained weights: --init-weights is a checkpoint of the acoustic model,
--init-lm the run of an LSTM language model.

Training refuses recordings of the validation lists, and their sentences are removed from the text
of the language models.
"""

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

import click
from synthesize import COMMANDS, EDITS, sentence

from speechlstm.corpora.manifest import Manifest, write_manifest
from speechlstm.corpora.split import write_split
from speechlstm.corpora.stats import count_words
from speechlstm.errors import SpeechLSTMError
from speechlstm.lm.ngram.model import NGramModel
from speechlstm.lm.text import read_sentences
from speechlstm.storage import write_atomically
from speechlstm.text import normalize
from speechlstm.text.lexicon import Lexicon

CONFIG = Path(__file__).with_suffix(".toml")
READ = ("common-voice", "common-voice-1", "cmu-arctic", "kathleen", "librispeech", "lj-prompts",
        "ljspeech-part", "speechocean762", "librispeech-more", "common-voice-more")  # fmt: skip
SAID = ("an4", "speech-commands", "fsdd")  # letters, digits, commands; they have no valid.jsonl
PUNCTUATED = ("common-voice", "ljspeech-part", "lj-prompts")  # their texts have punctuation
VALID = ("librispeech", "common-voice")
VALIDATION_SHARE = 0.1
SEED = 1
NUM_SAID = 60_000  # lines of letters, digits, dates and commands, added to a million from books
TEXTS = ("books", "modern")
# With more than 65,533 words, each n-gram would need two more bytes.
LM = ["--order", "3", "--prune", "0 3 6", "--vocabulary", "60000", "--quantize"]
LSTM = ["--vocabulary", "30000", "--epochs", "2", "--batch-words", "5120", "--dropout", "0",
        "--precision", "bfloat16"]  # fmt: skip
# Then it is adapted to transcripts, with a part of the texts, so that it does not forget them.
ADAPTED = ["--epochs", "1", "--learning-rate", "1.5e-3", "--batch-words", "2560"]
NUM_REPEATS = 5  # of each transcript
EVERY = 5  # every fifth sentence of the texts
MIN_COUNT = 3  # of a word of the texts that the lexicon has beside those of the language models
MAX_LETTERS = 20


@click.command(help=__doc__)
@click.argument("corpora", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="BUNDLE")
@click.option("--text", "texts", type=click.Path(path_type=Path, exists=True), multiple=True,
              metavar="FILE", help="More text for the language models.")  # fmt: skip
@click.option("--init-weights", "weights", type=click.Path(path_type=Path, exists=True),
              metavar="NPZ", help="Initial weights of the acoustic model.")  # fmt: skip
@click.option("--init-lm", type=click.Path(path_type=Path, exists=True), metavar="RUN",
              help="Run of an LSTM language model to adapt.")  # fmt: skip
@click.option("--work", type=click.Path(path_type=Path), default=Path("runs/english"),
              show_default=True, help="Folder for the results of the steps.")  # fmt: skip
def main(
    corpora: Path,
    output: Path,
    texts: tuple[Path, ...],
    weights: Path | None,
    init_lm: Path | None,
    work: Path,
) -> None:
    """Run the steps that are not done yet, then evaluate the bundle."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        train, valid = make_lists(corpora, work, READ, SAID, VALID)
        make_model(corpora, work, train, valid, CONFIG, weights)
        make_language_model(corpora, work, train, valid, texts, init_lm)
        make_punctuator(corpora, work)
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
    """Return the training and the validation manifests.

    Args:
        corpora: The folder with a folder for each corpus.
        work: The folder for new manifests.
        whole: Corpora to train on.
        split: Corpora of which a fraction of the speakers is held out for validation.
        valid_of: Corpora with a validation manifest.
    """
    train = [corpora / name / "train.jsonl" for name in whole]
    valid = [corpora / name / "valid.jsonl" for name in valid_of]
    for name in split:
        lists = work / f"{name}-train.jsonl", work / f"{name}-valid.jsonl"
        if not all(path.exists() for path in lists):
            write_split(Manifest(corpora / name / "train.jsonl"), VALIDATION_SHARE, SEED, *lists)
        train.append(lists[0])
        valid.append(lists[1])
    return train, valid


def make_model(
    corpora: Path,
    work: Path,
    train: list[Path],
    valid: list[Path],
    settings: Path,
    weights: Path | None = None,
) -> None:
    """Train the acoustic model, with outputs for characters and phones.

    Args:
        corpora: The folder with noise and dictionary.
        work: The folder for the run.
        train: Training manifests of speech; silence and noise are added.
        valid: Validation manifests.
        settings: The TOML file of settings; it is copied to the noise manifest that it names.
        weights: A checkpoint to start from; None: random weights.
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
    """Train the n-gram and the LSTM language model, and make the lexicon of their words.

    Args:
        corpora: The folder with texts and dictionary.
        work: The folder for the models.
        train: Training manifests of the acoustic model; those of read speech come first.
        valid: Manifests whose sentences are removed from the text.
        added: Additional texts.
        init_lm: The run of an LSTM language model to adapt; None: train one first.
    """
    lm, words, lexicon = work / "english.lm", work / "words.txt", work / "words.dict"
    texts, said = [corpora / "text" / f"{name}.txt.xz" for name in TEXTS], work / "said.txt"
    transcripts, valid_text = work / "transcripts.txt", work / "valid.txt"
    part = work / "part.txt"
    exclude = pairs("--exclude", valid[: len(VALID)])
    if not lm.exists():
        write_said(corpora, said)
        write_transcripts(train[: len(READ)], transcripts)
        speechlstm("lm", "build", *texts, said, transcripts, *added, "-o", lm, *LM, *exclude)
    first, run, lstm = init_lm or work / "lm-texts", work / "lm-run", work / "english.tflite"
    if not valid_text.exists():
        write_transcripts(valid[: len(VALID)], valid_text)
    if not (first / "run.json").exists():
        speechlstm("lm", "train", *texts, said, "--valid", valid_text, "-o", first, *LSTM, *exclude)
    if not (run / "run.json").exists():
        if not init_lm:
            speechlstm("lm", "train", "--resume", "-o", first)
        sentences = islice(chain.from_iterable(map(read_sentences, [*texts, said])), 0, None, EVERY)
        write_atomically(part, "".join(f"{sentence}\n" for sentence in sentences))
        speechlstm(
            "lm", "train", part, *added, *[transcripts] * NUM_REPEATS, "--valid", valid_text,
            "-o", run, "--init-from", first, *ADAPTED, *exclude,
        )  # fmt: skip
    if not lstm.exists():
        speechlstm("lm", "train", "--resume", "-o", run)
        speechlstm("lm", "export", run, "-o", lstm, "--quantize", "int8")
    if not lexicon.exists():
        known = [*NGramModel.open(lm).words, *Lexicon.read(cmudict(corpora)).entries]
        known += repeated_words([*texts, *added])
        spelled = dict.fromkeys(word for word in known if normalize(word) == word)
        write_atomically(words, "".join(f"{word}\n" for word in spelled))
        speechlstm("lexicon", words, "-o", lexicon, *dictionary(corpora, work))


def repeated_words(texts: Sequence[Path]) -> list[str]:
    """The words that occur several times in texts, rarer than those of the language models.

    They share the probability of unknown words. With them, WER falls by 1.4 % on LibriSpeech and by
    1.9 % on Common Voice (relative), for 0.85 MB; by the counts as weights in place of equal
    shares, it does not fall further.
    """
    counts = sum(map(count_words, texts), Counter[str]())
    return [
        word
        for word, count in counts.items()
        if count >= MIN_COUNT and len(word) <= MAX_LETTERS and word[0].isalpha()
    ]


def write_transcripts(manifests: Sequence[Path], path: Path) -> None:
    """Write the transcripts of manifests, each sentence once."""
    utterances = (utterance for manifest in manifests for utterance in Manifest(manifest))
    sentences = dict.fromkeys(normalize(utterance.text or "") for utterance in utterances)
    write_atomically(path, "".join(f"{sentence}\n" for sentence in sentences if sentence))


def write_said(corpora: Path, path: Path) -> None:
    """Write random lines of commands, spelled words, numbers and dates."""
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


def make_punctuator(corpora: Path, work: Path) -> None:
    """The network for readable text; pauses are measured on recordings of punctuated texts."""
    path = work / "punctuator.tflite"
    if path.exists():
        return
    speech = pairs("--speech", [corpora / name / "train.jsonl" for name in PUNCTUATED])
    recipe = Path(__file__).with_name("punctuator.py")
    text, run = corpora / "text" / "punctuated.txt.xz", work / "punctuator"
    subprocess.run([sys.executable, recipe, text, *speech, "-o", path, "--work", run], check=True)


def make_bundle(work: Path, valid: list[Path], output: Path) -> None:
    """Export the model, and tune a decoder with language models and lexicon."""
    speechlstm("export", work / "run", "-o", output, "--quantize", "int8")
    names = {"--lm": "english.lm", "--lexicon": "words.dict", "--pronouncer": "pronouncer.tflite",
             "--neural-lm": "english.tflite", "--punctuator": "punctuator.tflite"}  # fmt: skip
    files = [argument for option, name in names.items() for argument in (option, work / name)]
    speechlstm("tune", output, *valid, *files, "--neural-lm-mode", "fuse")


def dictionary(corpora: Path, work: Path) -> list[str | Path]:
    """The options of `speechlstm lexicon` for dictionary and g2p."""
    return ["--dictionary", cmudict(corpora), "--pronouncer", work / "pronouncer.tflite"]


def cmudict(corpora: Path) -> Path:
    """The path of Carnegie Mellon University's pronouncing dictionary."""
    return corpora / "lexicon" / "cmudict.dict"


def pairs(option: str, values: Sequence[Path]) -> list[str | Path]:
    """Arguments that give an option once for each value."""
    return [argument for value in values for argument in (option, value)]


def speechlstm(*arguments: str | Path, may_skip: bool = False) -> None:
    """Run a command of speechlstm as a user would; end with its exit code if it fails.

    Args:
        arguments: The arguments.
        may_skip: Whether exit code 1, which means that some recordings are unusable, is accepted.
    """
    click.echo(f"speechlstm {' '.join(map(str, arguments))}", err=True)
    code = subprocess.run([sys.executable, "-m", "speechlstm", *arguments], check=False).returncode
    if code and not (may_skip and code == 1):
        sys.exit(code)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
