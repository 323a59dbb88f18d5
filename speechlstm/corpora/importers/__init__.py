"""Corpora in the layouts of others. Each has its own module; see data/README.md for their table.

To add one, write a module like `librispeech`: LOOKED_FOR, is_NAME, which tells whether a source is
laid out so, and read_NAME, which yields what it lists; then name it in `kinds`.

Those in IMPORTERS are also read in place of a manifest, by the suffix of their file.
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
