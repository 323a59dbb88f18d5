"""Write the definitions and examples of WordNet as text for a language model, one a line.

    python scripts/recipes/wordnet_text.py /usr/share/wordnet -o wordnet.txt

DICT is the folder with the data files of WordNet 3.0 (https://wordnet.princeton.edu; in Debian and
Ubuntu the package wordnet-base). Books out of copyright lack the words of the last hundred years,
such as website, isotope and supermarket. Each line has the words of a meaning with its definition,
or an example.
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
    """Write the text, all meanings of a part of speech after the other."""
    try:
        lines = [line for part in PARTS_OF_SPEECH for line in sentences(folder / f"data.{part}")]
        if not lines:
            raise DataError(f"{folder}: the data files have no definition; {HINT}")
        write_atomically(output, "".join(f"{line}\n" for line in lines))
    except (DataError, OSError) as error:
        sys.exit(f"Error: {error}")


def sentences(path: Path) -> Iterator[str]:
    """Yield the normalised definitions and examples of a data file (its format is wndb(5WN)).

    A number splits a line in two, since it could be read in several ways.

    Raises:
        DataError: The file cannot be read or has another format.
    """
    try:
        yield from _sentences(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; {HINT}") from None
    except ValueError as error:
        raise DataError(f"{path}: not a data file of WordNet: {error}; {HINT}") from None


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
    """Return the words and phrases of a meaning, without Latin names of animals and plants."""
    _offset, file, kind, count, *rest = synset.split()
    words = [re.sub(r"\(\w+\)$", "", word) for word in rest[: 2 * int(count, 16) : 2]]
    if kind == "n" and file in LIVING:
        words = [word for word in words if word.islower()]
    return [word.replace("_", " ") for word in words]


if __name__ == "__main__":
    main()
