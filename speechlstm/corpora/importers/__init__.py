"""Corpora in formats of others, read as manifests: a module a format.

To add one, write a module like `deepspeech`, with a function from a file to its utterances, and
enter it in IMPORTERS under the ending of such files. Every verb that takes a manifest then takes
them; `speechlstm manifest split --valid 0.1` writes what they hold as manifests.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from speechlstm.corpora.importers.deepspeech import read_deepspeech_csv
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import ManifestError

# From a file to the number of each of its entries' lines, from 1, with the utterance or with what
# is wrong. Recordings are named relative to the file's folder. May raise OSError.
Importer = Callable[[Path], Iterator[tuple[int, Utterance | ManifestError]]]

IMPORTERS: dict[str, Importer] = {".csv": read_deepspeech_csv}  # by the ending, in lower case
