"""Writes what WordNet says of each word as text for a language model, a sentence a line.

    python scripts/recipes/wordnet_text.py /usr/share/wordnet -o wordnet.txt

DICT is the folder of WordNet 3.0's data files (https://wordnet.princeton.edu; Debian's and Ubuntu's
package wordnet-base). Books whose copyright has ended lack the words of the last hundred years;
here are website, isotope and supermarket, in sentences like an encyclopedia's: a line holds the
words of one meaning with its definition, or an example.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from speechlstm.errors import DataError
from speechlstm.storage import write_atomically
from speechlstm.text.normalize import normalize

PARTS_OF_SPEECH = ("noun", "verb", "adj", "adv")
LIVING = ("05", "20")  # lexicographer files (lexnames(5WN)) whose capitalised names are Latin
YEARS = re.compile(r"\([^)]*\d[^)]*\)")
ABBREVIATIONS = re.compile(r"\b(?:i\.e\.|e\.g\.|etc\.)")
WITH_DIGITS = re.compile(r"\S*\d\S*")
HINT = "DICT is the folder of WordNet's data.noun, data.verb, data.adj and data.adv"


@click.command(help=__doc__)
@click.argument("folder", metavar="DICT", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="TEXT")
def main(folder: Path, output: Path) -> None:
    """Write the text."""
    try:
        lines = [line for part in PARTS_OF_SPEECH for line in sentences(folder / f"data.{part}")]
        if not lines:
            raise DataError(f"{folder}: its data files hold no meaning; {HINT}")
        write_atomically(output, "".join(f"{line}\n" for line in lines))
    except (DataError, OSError) as error:
        sys.exit(f"Error: {error}")


def sentences(path: Path) -> Iterator[str]:
    """Definitions and examples of a data file (format: wndb(5WN)), normalised.

    A number, which nobody knows how to say, parts a line.

    Raises:
        DataError: The file cannot be read, or is of another format.
    """
    try:
        yield from _sentences(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; {HINT}") from None
    except ValueError as error:
        raise DataError(f"{path}: no data file of WordNet: {error}; {HINT}") from None


def _sentences(content: str) -> Iterator[str]:
    for line in content.splitlines():
        synset, separator, gloss = line.partition(" | ")
        if line.startswith(" ") or not separator:  # the licence
            continue
        definition, *examples = re.split(r';\s*(?=")', gloss)
        for sentence in (f"{' '.join(names(synset))} {definition}", *examples):
            plain = normalize(ABBREVIATIONS.sub(" ", YEARS.sub(" ", sentence)))
            for piece in WITH_DIGITS.split(plain):
                if " " in piece.strip():
                    yield piece.strip()


def names(synset: str) -> list[str]:
    """The words and phrases of a meaning, without the Latin names of animals and plants."""
    _offset, file, kind, count, *rest = synset.split()
    words = [re.sub(r"\(\w+\)$", "", word) for word in rest[: 2 * int(count, 16) : 2]]
    if kind == "n" and file in LIVING:
        words = [word for word in words if word.islower()]
    return [word.replace("_", " ") for word in words]


if __name__ == "__main__":
    main()
