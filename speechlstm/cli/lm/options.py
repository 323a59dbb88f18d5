"""What the verbs of `speechlstm lm` share: the text to learn from and the model to read."""

import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from speechlstm.cli.output import say
from speechlstm.errors import DataError, counted

if TYPE_CHECKING:
    from speechlstm.lm.model import LanguageModel
    from speechlstm.lm.text import Text
    from speechlstm.text.alphabet import Alphabet

_PATH = click.Path(path_type=Path)


class CountOrPath(click.ParamType):  # type: ignore[type-arg]
    """A number of words, or the file that lists them."""

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
    help="Its most frequent words, or the words of a file; others become <unk>.  [default: all]",
)
exclude_option = click.option(
    "--exclude",
    metavar="MANIFEST",
    type=_PATH,
    multiple=True,
    help="Leave out the sentences of a manifest, so that it can measure the LM; repeatable.",
)
alphabet_option = click.option(
    "--bundle",
    "--model",
    "bundle",
    metavar="BUNDLE",
    type=_PATH,
    help="Whose alphabet the words must be spelled in; other models then refuse the LM.",
)


def alphabet_of(bundle: Path | None) -> "Alphabet | None":
    """That of a bundle, if one is named."""
    from speechlstm.bundle import read_bundle

    return None if bundle is None else read_bundle(bundle).acoustic.alphabet


def read_texts(texts: Sequence[Path], exclude: Sequence[Path]) -> Iterator[str]:
    """The sentences of all texts but those of the manifests; then warns of what was left out."""
    from tqdm import tqdm

    from speechlstm.corpora.manifest import Manifest
    from speechlstm.lm.text import Exclusion, read_sentences
    from speechlstm.text.normalize import normalize

    sentences: Iterator[str] = chain.from_iterable(map(read_sentences, texts))
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
                f"Warning: left out {counted(exclusion.num_found, 'sentence')} that {path} holds "
                f"too, first {exclusion.first_found!r}"
            )


def limited(text: "Text", vocabulary: int | Path | None, alphabet: "Alphabet | None") -> "Text":
    """The text with the words that --vocabulary and --bundle leave."""
    from speechlstm.lm.text import limit_vocabulary, read_sentences, words_by_frequency

    num_words = vocabulary if isinstance(vocabulary, int) else None
    if not isinstance(vocabulary, Path):
        words = words_by_frequency(text)
    else:
        words = [w for line in read_sentences(vocabulary) for w in line.split()]
    if alphabet and not alphabet.separator:
        words = [word for word in words if set(alphabet.symbols).issuperset(word)]
    if not words[:num_words]:
        raise DataError("--vocabulary and --bundle leave no word")
    return limit_vocabulary(text, words[:num_words])


def load_any(path: Path) -> "LanguageModel":
    """A language model: an LSTM if its name ends in .tflite, else packed or ARPA."""
    from speechlstm.lm.lstm import LSTMLanguageModel
    from speechlstm.lm.ngram.model import NGramModel

    return LSTMLanguageModel(path) if path.suffix == ".tflite" else NGramModel.load(path)
