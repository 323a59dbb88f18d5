"""Types of options and arguments: paths, numbers, words."""

import os
from math import isfinite
from pathlib import Path
from typing import Any

import click

from speechlstm.errors import printable
from speechlstm.transcript.formats import FORMATS

PATH = click.Path(path_type=Path)
_IS_FOLDER = f"{__name__}.is_folder"  # in a context's meta


class OutputPath(click.Path):
    """The path of a file to write. If it cannot be written, this is reported before the work.

    `Verb` checks that it is not one of the files that the command reads.

    Args:
        suffixes: The allowed ends of names, in lower case, such as ".npy"; (): any. A name without
            a suffix is always allowed.
        is_kept: Whether an existing file is read instead of being written.
    """

    def __init__(self, suffixes: tuple[str, ...] = (), is_kept: bool = False) -> None:
        super().__init__(path_type=Path)
        self._suffixes, self._is_kept = suffixes, is_kept

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.Path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        # As in write_atomically.
        name, folder = printable(f"{path}"), Path(os.path.realpath(path)).parent
        if path.is_file() and self._is_kept:
            return path
        if not folder.is_dir():
            self.fail(f"{printable(str(folder))}: no such folder; create it first", param, ctx)
        if path.is_dir():
            self.fail(f"{name}: is a folder; give a file", param, ctx)
        if path.exists() and not path.is_file():  # a device or pipe
            return path
        if not os.access(folder, os.W_OK):
            self.fail(f"{printable(str(folder))}: the folder is not writable", param, ctx)
        if self._suffixes and path.suffix and not path.name.lower().endswith(self._suffixes):
            known = ", ".join(self._suffixes)
            self.fail(f"{name}: the name must end in {known} or have no suffix", param, ctx)
        return path


class TranscriptPath(OutputPath):
    """The path of a file to write, or of a folder: one that exists, or a name that ends in a slash.

    `is_folder` says which. The command checks what it writes into a folder, and whether what exists
    can be written once it knows that it has to be.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.Path."""
        name = os.fsdecode(value)
        path, is_folder = Path(name), Path(name).is_dir() or name.endswith(("/", os.sep))
        if is_folder and ctx:
            ctx.meta[_IS_FOLDER] = True
        if path.is_dir() or (path.is_file() and not is_folder):
            return path
        if not is_folder:
            return super().convert(value, param, ctx)
        if reason := _why_no_folder(path):
            self.fail(reason, param, ctx)
        return path

    @staticmethod
    def is_folder(ctx: click.Context) -> bool:
        """Whether the option of the command was given a folder."""
        return _IS_FOLDER in ctx.meta

    @staticmethod
    def refuse_unwritable(path: Path) -> None:
        """Refuse a file or folder that exists and cannot be written."""
        folder = path if path.is_dir() else Path(os.path.realpath(path)).parent
        if (path.is_dir() or path.is_file()) and (reason := _why_no_folder(folder)):
            raise click.BadParameter(reason, param_hint="'-o' / '--output'")


class OutputFolder(click.Path):
    """The path of a folder to write, a bundle or a run. `Verb` checks that it is not read, too.

    Args:
        is_replaced: Whether a folder that exists is replaced whole (folder_written_atomically);
            else, files are written into it.
    """

    def __init__(self, is_replaced: bool = False) -> None:
        super().__init__(path_type=Path, file_okay=False)
        self._is_replaced = is_replaced

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.Path."""
        if "://" in f"{value}":
            self.fail(f"{value}: is an address; give a folder of this machine", param, ctx)
        if reason := _why_no_folder(Path(os.fsdecode(value)), self._is_replaced):
            self.fail(reason, param, ctx)
        return super().convert(value, param, ctx)


def _why_no_folder(path: Path, is_replaced: bool = False) -> str | None:
    """Why a folder cannot be written, found out before the work; None: there is no reason."""
    path = Path(os.path.realpath(path))
    nearest = next((p for p in (path, *path.parents) if os.path.lexists(p)), path)
    if nearest.is_file():
        return f"{printable(f'{nearest}')}: is a file; give a folder"
    # The new folder is filled beside the one that it replaces.
    written = (path, path.parent) if is_replaced and nearest == path else (nearest,)
    for folder in written:
        if not os.access(folder, os.W_OK):
            return f"{printable(f'{folder}')}: the folder is not writable"
    return None


class BundlePath(click.Path):
    """The path of a bundle or run to read: a folder, a .tflite file, or the name english."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.Path."""
        if value == "english":  # the module takes a while to import
            from speechlstm.bundle import find_bundle

            value = find_bundle(value)
        return super().convert(value, param, ctx)


class IntegerRange(click.IntRange):  # noqa: TID251
    """A whole number in a range, which help and errors call that; click: an integer range."""

    name = "integer"


class NumberRange(click.FloatRange):  # noqa: TID251
    """A finite number in a range. click.FloatRange lets "nan" pass, and "inf" where it is open."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """See click.ParamType."""
        number = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number

    def _describe_range(self) -> str:
        return "" if self.min is self.max is None else super()._describe_range()


class FormatList(click.ParamType):  # type: ignore[type-arg]  # generic in newer click alone
    """One or several formats of transcripts, separated by commas, as a tuple."""

    name = "formats"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """See click.ParamType."""
        names = tuple(dict.fromkeys(name.strip().lower() for name in str(value).split(",")))
        for name in names:
            if name not in FORMATS:
                self.fail(f"{name!r} is not one of {', '.join(FORMATS)}", param, ctx)
        return names


class _NumberOr(click.ParamType):  # type: ignore[type-arg]  # generic in newer click alone
    """One of some words, or a number from 1.

    Args:
        name: What click calls the type.
        most: The largest number; None: any.
    """

    def __init__(self, name: str, *words: str, most: int | None = None) -> None:
        self.name, self._words, self._most = name, words, most

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """See click.ParamType."""
        if value in self._words:
            return str(value)
        number = int(value) if str(value).isdecimal() else 0
        if number < 1 or (self._most is not None and number > self._most):
            limit = "from 1" if self._most is None else f"from 1 to {self._most}"
            self.fail(f"{value!r} is not {', '.join(self._words)} or a number {limit}", param, ctx)
        return number


CHANNELS = _NumberOr("channels", "mix", "separate")
SPEAKERS = _NumberOr("speakers", "auto", most=100)
