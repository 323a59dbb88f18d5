"""Corpus formats other than JSON lines, read as manifests. Each has its own module.

To add one, write a module like `deepspeech`, with a function from a file to its utterances, and add
it to IMPORTERS under the suffix of such files. Then every command that takes a manifest accepts
them, and `speechlstm manifest split --valid 0.1` converts them to manifests.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from speechlstm.corpora.importers.deepspeech import read_deepspeech_csv
from speechlstm.corpora.utterance import Utterance
from speechlstm.errors import ManifestError

# Takes a file; yields for each entry its line number, from 1, and the utterance or an error. Audio
# paths are relative to the file's folder. May raise OSError.
Importer = Callable[[Path], Iterator[tuple[int, Utterance | ManifestError]]]

IMPORTERS: dict[str, Importer] = {".csv": read_deepspeech_csv}  # by suffix, in lower case
