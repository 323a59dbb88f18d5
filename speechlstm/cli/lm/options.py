"""What the commands of `speechlstm lm` share: options, reading of texts and models."""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.output import say
from speechlstm.cli.types import PATH, BundlePath
from speechlstm.errors import BundleError, counted

if TYPE_CHECKING:
    from speechlstm.cli.options import Option
    from speechlstm.lm.model import LanguageModel
    from speechlstm.text.alphabet import Alphabet


class CountOrPath(click.ParamType):  # type: ignore[type-arg]
    """The parameter type of --vocabulary: a number of words, or a file with the words."""

    name = "N|FILE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | Path:
        """See click.ParamType."""
        text = os.fsdecode(value)
        return int(text) if text.isdecimal() else Path(text)


vocabulary_option = click.option(
    "--vocabulary",
    type=CountOrPath(),
    help="Use the N most frequent words, or the words in FILE; others become <unk>.  "
    "[default: all words]",
)
exclude_option = click.option(
    "--exclude",
    metavar="MANIFEST",
    type=PATH,
    multiple=True,
    help="Leave out sentences that are in a manifest, so that it can serve as test data; may be "
    "given several times.",
)


def bundle_of_alphabet(what: str) -> "Option":
    """The option --bundle of the commands that write a model for one alphabet.

    Args:
        what: What they do with the alphabet of the bundle.
    """
    return click.option(
        "--bundle",
        "--model",
        "bundle",
        metavar="BUNDLE",
        type=BundlePath(),
        help=f"{what} this bundle; models with another alphabet then refuse the language model.",
    )


alphabet_option = bundle_of_alphabet("Use only words in the alphabet of")


def alphabet_of(bundle: Path | None) -> "Alphabet | None":
    """Read the alphabet of a bundle; None without a bundle."""
    from speechlstm.bundle import read_bundle

    return None if bundle is None else read_bundle(bundle).acoustic.alphabet


def read_texts(texts: Sequence[Path], exclude: Sequence[Path]) -> Iterator[str]:
    """Yield the sentences of all texts, except for those in manifests, which are reported.

    Args:
        texts: Text files, one sentence per line, or manifests.
        exclude: Manifests whose transcripts are left out.
    """
    from tqdm import tqdm

    from speechlstm.corpora.manifest import Manifest
    from speechlstm.corpora.sentences import sentences_of
    from speechlstm.lm.text import Exclusion
    from speechlstm.text.normalize import normalize

    sentences: Iterator[str] = chain.from_iterable(map(sentences_of, texts))
    exclusions = {
        path: Exclusion(normalize(utterance.text or "") for utterance in Manifest(path))
        for path in exclude
    }
    for exclusion in exclusions.values():
        sentences = exclusion.filter(sentences)
    yield from tqdm(sentences, unit=" sentences", disable=None)
    for path, exclusion in exclusions.items():
        if exclusion.num_found:
            say(
                f"Warning: left out {counted(exclusion.num_found, 'sentence')} that {path} has, "
                f"too; the first is {exclusion.first_found!r}"
            )


def models_of(bundle: Path | None) -> tuple[Path, ...]:
    """The files of a bundle's language models: n-grams, LSTM.

    Raises:
        BundleError: It has none, or is no bundle.
    """
    from speechlstm.bundle import find_bundle, read_bundle

    contents = read_bundle(find_bundle(bundle))
    models = tuple(path for path in (contents.decoder.lm, contents.decoder.neural_lm) if path)
    if not models:
        raise BundleError(contents.path, "has no language model; name the file of one")
    return models


def refuse_folder(path: Path) -> None:
    """Refuse a bundle, which may have a language model of each kind, and a run, in place of one.

    Raises:
        BundleError: It is a bundle or a run.
    """
    if (path / "run.json").exists():
        raise BundleError(path, f"is a run; export it: speechlstm lm export {path} -o LM.tflite")
    if (path / "bundle.json").exists():
        names = " or ".join(map(str, models_of(path)))
        raise BundleError(path, f"is a bundle; give one of its language models: {names}")


def load_any(path: Path) -> "LanguageModel":
    """Load a language model: an LSTM if its name ends in .tflite, else n-grams.

    Raises:
        DataError: It cannot be read, or is a bundle or a run.
    """
    refuse_folder(path)
    from speechlstm.lm.lstm import LSTMLanguageModel
    from speechlstm.lm.ngram.model import NGramModel

    return LSTMLanguageModel(path) if path.suffix.lower() == ".tflite" else NGramModel.load(path)
