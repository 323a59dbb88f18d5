"""Checkpoints: arrays and a JSON text in one NumPy file, written whole or not at all."""

import io
import json
import math
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from speechlstm.errors import ModelError
from speechlstm.storage import parse_json, read_regular_file, write_atomically

_MAX_BYTES = 1 << 34
_NUMBERS = "biuf"  # NumPy's kinds of them
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

# What NumPy and zipfile raise for one bit or another: no archive, a wrong checksum, "encrypted" ...
_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    SyntaxError,
    OverflowError,
    tokenize.TokenError,
    EOFError,
    RuntimeError,
    MemoryError,  # claims more than there is
    SyntaxError,  # of the Python in the header of an array
    TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def save_checkpoint(path: Path, groups: Mapping[str, Sequence[Any]], state: Any = None) -> None:
    """Write variables and a state.

    Args:
        path: The file.
        groups: Keras variables, by what they belong to.
        state: Anything JSON can hold.

    Raises:
        OSError: It cannot be written; a file that was there before is untouched.
    """
    arrays = {
        f"{group}/{index}": np.asarray(variable)
        for group, variables in groups.items()
        for index, variable in enumerate(variables)
    }
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, state=np.array(json.dumps(state)), **arrays)
    write_atomically(path, file.getvalue())


def load_checkpoint(path: Path, groups: Mapping[str, Sequence[Any]]) -> Any:
    """Read variables that save_checkpoint wrote; returns the state.

    Raises:
        ModelError: The file is missing or damaged, or holds other variables; none was changed.
    """
    try:
        content = read_regular_file(path, _MAX_BYTES)
        _refuse_what_is_larger(content)
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file)
            state = parse_json(str(arrays.pop("state")))
            if not all(isinstance(array, np.ndarray) for array in arrays.values()):
                raise ValueError("holds a file that is no array")
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except _DAMAGE as error:
        raise ModelError(f"{path}: damaged checkpoint; restore it or train again") from error
    pairs = []
    for group, variables in groups.items():
        for index, variable in enumerate(variables):
            found, expected = arrays.pop(f"{group}/{index}", None), tuple(variable.shape)
            if found is None or found.shape != expected:
                what = "is missing there" if found is None else f"has the shape {found.shape} there"
                raise ModelError(
                    f"{path}: of another network: {variable.path} {what}, {expected} here; "
                    "use the settings the run was made with"
                )
            if found.dtype.kind not in _NUMBERS:
                raise ModelError(f"{path}: damaged checkpoint: {variable.path} holds no numbers")
            pairs.append((variable, found))
    if arrays:
        raise ModelError(f"{path}: of another network, with {len(arrays)} more arrays")
    for variable, value in pairs:
        variable.assign(value)
    return state


def _refuse_what_is_larger(content: bytes) -> None:
    """Raise ValueError for an array that claims more elements than the file has bytes for.

    NumPy would ask for their memory before it reads the first. A checkpoint is not compressed, so
    that no array is larger than its part of the file.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename}: compressed")
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                shape, _, dtype = _HEADERS[version](file)
                if math.prod(shape) * dtype.itemsize > member.file_size:
                    raise ValueError(f"{member.filename}: larger than the file")
