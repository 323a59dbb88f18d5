"""Checkpoints: arrays and a JSON text in one NumPy file, written whole or not at all."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from speechlstm.errors import ModelError
from speechlstm.storage import write_atomically

INITIAL = "initial.npz"  # in a run's folder: the weights to start from, if not fresh ones

# What NumPy and zipfile raise for one bit or another: no archive, a wrong checksum, "encrypted" ...
_DAMAGE = (
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    RuntimeError,
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
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = dict(file)
            state = json.loads(str(arrays.pop("state")))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except _DAMAGE as error:
        raise ModelError(f"{path}: damaged checkpoint; restore it or train again") from error
    pairs = []
    for group, variables in groups.items():
        for index, variable in enumerate(variables):
            found, expected = arrays.pop(f"{group}/{index}", None), tuple(variable.shape)
            if found is None or found.shape != expected:
                what = "is missing" if found is None else f"has the shape {found.shape}"
                raise ModelError(
                    f"{path}: {group} variable {variable.path} {what}, this model needs "
                    f"{expected}; use the settings the run was made with"
                )
            pairs.append((variable, found))
    if arrays:
        raise ModelError(f"{path}: holds variables that this model lacks: {', '.join(arrays)}")
    for variable, value in pairs:
        variable.assign(value)
    return state
