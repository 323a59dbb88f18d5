"""The folder in which `adapt` works: a step whose file is there has been done.

adapt.json          what is adapted to what; another call with other inputs is refused
recordings.jsonl    all that can be used; left_out.txt: what cannot, and why
train.jsonl         what is learnt from
held_out.jsonl      what is measured on
plan.json           layers, learning rate, epochs
lexicon.dict        the base's lexicon and the words that it lacks
lm.ngram            the base's n-grams mixed with the user's sentences
folds/              the runs of the cross-validation
run/                the run
bundle/             the bundle before it is put in its place
report.json         errors before and after
cache/              decoded recordings
checksums.json      of those that have none of their own
"""

import hashlib
import os
import shutil
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from speechlstm.arguments import StrPath
from speechlstm.errors import ConfigError, DataError, ModelError
from speechlstm.storage import (
    address_of,
    dump_checked,
    parse_checked,
    read_address,
    read_regular_file,
    without_query,
    write_atomically,
)
from speechlstm.training.engine.lock import LOCK_FILES

CONTENTS, BASE = "contents", "base"  # the inputs that change with what files hold
_CHECKSUMS = "checksums.json"
_CHANGED = {
    CONTENTS: "recordings or texts have changed",
    BASE: "the model to start from has changed",
}


@dataclass(frozen=True)
class Work:
    """The folder of an adaptation."""

    path: Path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def make(self) -> None:
        """Make the folder, if it is not there.

        Raises:
            ConfigError: It holds something else.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self / "adapt.json").exists() and not all(map(_is_passing, self.path.iterdir())):
            raise ConfigError(f"{self.path}: holds something else; name another folder with --work")

    def open(
        self, inputs: Mapping[str, Any], results: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> bool:
        """Begin in the folder, or find what an earlier call with the same inputs has left there.

        The folder must be locked: what another call works with is removed if an input changes.

        Args:
            inputs: What is adapted to what, as plain JSON values.
            results: Of each input that may change, what depends on it: that is removed then.

        Returns:
            Whether an earlier call has begun.

        Raises:
            ConfigError: It is the folder of another adaptation.
        """
        description = self / "adapt.json"
        if description.exists():
            before = self.read("adapt.json")
            before = {BASE: inputs.get(BASE), **before}  # version 0.1.0 did not keep it
            for key, what in _CHANGED.items():
                if before.get(key) != inputs.get(key):
                    raise ConfigError(
                        f"{self.path}: {what} since this was begun; remove it to begin anew, or "
                        "name another folder"
                    )
            changed = [key for key, value in inputs.items() if before.get(key) != value]
            for key in changed:
                if key not in results:
                    raise ConfigError(
                        f"{self.path}: holds an adaptation with other inputs ({key}: "
                        f"{before.get(key)} there, {inputs[key]} here); remove it, or name another "
                        "folder"
                    )
            for name in {name for key in changed for name in results[key]}:
                self.remove(name)
            if changed:
                self.write("adapt.json", inputs)
            return True
        self.write("adapt.json", inputs)
        return False

    def remove(self, name: str) -> None:
        """Remove a file or folder, if it is there."""
        path = self / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Write plain JSON values; the file appears whole or not at all."""
        write_atomically(self / name, dump_checked(values))

    def read(self, name: str) -> dict[str, Any]:
        """What `write` has written.

        Raises:
            ModelError: The file cannot be read, or is damaged.
        """
        try:
            return parse_checked(read_regular_file(self / name))
        except (OSError, ValueError) as error:
            raise ModelError(f"{self / name}: damaged ({error}); remove {self.path}") from None

    def refuse_changes(self, *names: str) -> None:
        """Refuse files that have changed since an earlier call, or this one, has first seen them.

        It is for files that have no checksum of their own, such as manifests.

        Raises:
            ModelError: One has changed, or cannot be read.
        """
        before = self.read(_CHECKSUMS) if (self / _CHECKSUMS).exists() else {}
        try:
            now = {name: f"{zlib.crc32(read_regular_file(self / name)):08x}" for name in names}
        except OSError as error:
            raise ModelError(f"{error.filename}: cannot be read: {error.strerror}") from None
        for name, checksum in now.items():
            if before.get(name, checksum) != checksum:
                raise ModelError(
                    f"{self / name}: has changed since it was written: restore it, or remove "
                    f"{self.path} to begin anew"
                )
        if not before.keys() >= now.keys():
            self.write(_CHECKSUMS, before | now)


def place(path: StrPath) -> str:
    """Where recordings are, however that is named; what follows a question mark may expire."""
    return address_of(without_query(os.fspath(path))) or str(Path(path).resolve())


def _is_passing(path: Path) -> bool:
    """Whether a file is that of a lock, or was being written when a process was killed."""
    return path.name in LOCK_FILES or (path.name.startswith(".") and path.suffix == ".tmp")


def _listed(address: str) -> bytes:
    try:
        return read_address(address)
    except OSError as error:
        raise DataError(f"{address}: cannot be read: {error.strerror}") from None


def fingerprint(paths: Iterable[Path], without: Sequence[Path] = ()) -> str:
    """Changes when a file changes, or one comes into a folder or leaves it.

    Args:
        paths: Files, folders with all that is in them, and addresses of files.
        without: Folders that do not count.

    Raises:
        OSError: A file cannot be read.
        DataError: An address cannot be read.
    """
    digest = hashlib.sha256()
    ignored = {path.resolve() for path in without}
    for named in paths:
        if address := address_of(named):
            digest.update(_listed(address))
            continue
        path = named.resolve()
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not file.is_dir() and ignored.isdisjoint(file.resolve().parents):
                status = file.stat() if file.exists() else file.lstat()  # a link to nothing
                digest.update(os.fsencode(file))
                digest.update(f"\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()
