"""Common Voice: clips/ and a table a split (train.tsv), with client_id, path and sentence."""

from collections.abc import Iterator
from pathlib import Path

from speechlstm.corpora.importers.found import Found, has_columns, table
from speechlstm.errors import ManifestError

LOOKED_FOR = (
    "train.tsv, dev.tsv or others with the columns client_id, path and sentence, and clips/"
)
_COLUMNS = ("client_id", "path", "sentence")
_DISJOINT = ("train", "dev", "test")  # all of them are in validated, too


def is_common_voice(source: Path) -> bool:
    """Whether a file is such a table, or a folder has one."""
    if source.is_dir():
        return bool(_tables(source))
    return source.suffix.lower() == ".tsv" and has_columns(source, _COLUMNS, "\t")


def read_common_voice(source: Path) -> Iterator[Found | ManifestError]:
    """The clips in a table; in a folder, those of its splits train, dev and test.

    A folder without these has one of the other tables read: validated, other, invalidated ...
    Speakers are the client ids.

    Raises:
        ManifestError: A table cannot be read.
    """
    tables = _tables(source) if source.is_dir() else [source]
    for path in tables:
        clips = path.parent / "clips"
        for number, row in table(path, _COLUMNS, "\t", is_quoted=False):
            if isinstance(row, ManifestError):
                yield row
                continue
            name = row["path"] if Path(row["path"]).suffix else f"{row['path']}.mp3"
            where, speaker = f"{path}:{number}", row["client_id"] or None
            identity = Path(name).stem
            yield Found(where, identity, clips / name, row["sentence"], speaker, path.stem)


def _tables(folder: Path) -> list[Path]:
    found = [p for p in sorted(folder.glob("*.tsv")) if has_columns(p, _COLUMNS, "\t")]
    splits = [path for path in found if path.stem in _DISJOINT]
    return splits or found
