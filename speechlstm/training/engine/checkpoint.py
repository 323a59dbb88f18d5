"""Checkpoints: weights and a JSON state in one .npz file, which is written atomically."""

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from speechlstm.errors import ModelError
from speechlstm.storage import open_regular_file, parse_json, read_regular_file, write_atomically
from speechlstm.training.data.sample_files import DAMAGE

_MAX_BYTES = 1 << 34
_NUMBERS = "biuf"  # kinds of NumPy's data types that hold numbers
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def save_checkpoint(path: Path, groups: Mapping[str, Sequence[Any]], state: Any = None) -> None:
    """Write variables and a state.

    Args:
        groups: Keras variables by the name of what they belong to, such as "model".
        state: A value that JSON can represent.

    Raises:
        OSError: The file cannot be written; an existing one is unchanged.

    >>> from tempfile import TemporaryDirectory
    >>> import keras
    >>> weight = keras.Variable([1.0, 2.0])
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "checkpoint.npz"
    ...     save_checkpoint(path, {"model": [weight]}, {"epoch": 3})
    ...     _ = weight.assign([0.0, 0.0])
    ...     load_checkpoint(path, {"model": [weight]})
    {'epoch': 3}
    >>> keras.ops.convert_to_numpy(weight).tolist()
    [1.0, 2.0]
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
    """Restore variables from a file that save_checkpoint wrote.

    Args:
        groups: The variables to assign, by the same names.

    Returns:
        The state.

    Raises:
        ModelError: The file is missing or damaged, or holds other variables; then no variable has
            been changed.
    """
    with _refusing_damage(path):
        content = read_regular_file(path, _MAX_BYTES)
        refuse_sizes_that_differ(io.BytesIO(content))
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = dict(file)
            state = parse_json(str(arrays.pop("state")))
            if not all(isinstance(array, np.ndarray) for array in arrays.values()):
                raise ValueError("holds a file that is not an array")
    pairs = []
    for group, variables in groups.items():
        for index, variable in enumerate(variables):
            found, expected = arrays.pop(f"{group}/{index}", None), tuple(variable.shape)
            if found is None or found.shape != expected:
                what = "is missing" if found is None else f"has the shape {found.shape}"
                raise ModelError(
                    f"{path}: of another network: {variable.path} {what}, expected {expected}; "
                    "use the settings the run was made with"
                )
            if found.dtype.kind not in _NUMBERS:
                raise ModelError(
                    f"{path}: damaged checkpoint: {variable.path} does not hold numbers; "
                    "restore the file or train again"
                )
            pairs.append((variable, found))
    if arrays:
        raise ModelError(
            f"{path}: of another network, which has {len(arrays)} more arrays; "
            "use the settings the run was made with"
        )
    for variable, value in pairs:
        variable.assign(value)
    return state


def load_state(path: Path) -> Any:
    """The state alone, in a file that save_checkpoint wrote.

    Raises:
        ModelError: The file is missing or damaged.
    """
    with _refusing_damage(path), open_regular_file(path) as file:
        refuse_sizes_that_differ(file, "state.npy")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return parse_json(str(arrays["state"]))


@contextmanager
def _refusing_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    except DAMAGE as error:
        raise ModelError(f"{path}: damaged checkpoint; restore it or train again") from error


def refuse_sizes_that_differ(content: BinaryIO, name: str = "") -> None:
    """Raise ValueError if an array has more or fewer bytes than its entry in the archive.

    Checkpoints are not compressed. By default all arrays are looked at, or the one with the name.

    NumPy allocates the memory for all elements before it reads the first; and of an entry that is
    longer it would not read the end, so that zipfile would not verify its checksum.
    """
    with zipfile.ZipFile(content) as archive:
        for member in [archive.getinfo(name)] if name else archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{member.filename}: is compressed")
            with archive.open(member) as file:
                version = np.lib.format.read_magic(file)
                shape, _, dtype = _HEADERS[version](file)
                if file.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
                    raise ValueError(f"{member.filename}: has another size than it claims")
