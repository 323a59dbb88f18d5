"""Reads bundles and checks all of them."""

import hashlib
from pathlib import Path
from typing import Any

from speechlstm.bundle.index import (
    DECODER_KEYS,
    FILES,
    INDEX,
    acoustic_from_json,
    check_version,
    decoder_from_json,
)
from speechlstm.bundle.spec import MODEL, Bundle
from speechlstm.errors import BundleError
from speechlstm.storage import open_regular_file, read_regular_file, recover_folder
from speechlstm.tflite.metadata import load_json, read_metadata

_MAX_INDEX_BYTES = 1 << 26


def default_bundle() -> Path:
    """The model that comes with the package.

    Raises:
        BundleError: This installation has none.
    """
    path = Path(__file__).parents[1] / "assets" / "english"
    if not path.is_dir():
        raise BundleError(path, "this installation has no model; name one: --bundle BUNDLE")
    return path


def find_bundle(name: Path | str | None) -> Path:
    """Where a bundle is that a user names.

    Args:
        name: "english" or None: the model of the package. Any other text, and any Path (also a
            folder of that name: `Path("english")`, or "./english"): a folder or a .tflite file.

    Raises:
        BundleError: This installation has no model of its own.
    """
    # No Path is equal to a text.
    return default_bundle() if name is None or name == "english" else Path(name)


def read_bundle(path: Path) -> Bundle:
    """Read a bundle's folder, or a .tflite file that speechlstm wrote, and check all of it.

    >>> bundle = read_bundle(default_bundle())
    >>> bundle.acoustic.features.sample_rate, bundle.acoustic.alphabet.symbols[:4]
    (16000, (' ', "'", 'a', 'b'))
    >>> bundle.decoder.lm.name
    'lm.ngram'

    Raises:
        BundleError: It is missing, damaged, of another format version, or lacks a part.
    """
    _recover(path)
    if path.is_file():
        return Bundle(path, acoustic_from_json(path, read_metadata(path)))
    index = path / INDEX
    description = _read_index(index)
    check_version(index, description)
    files = _verified(path, description.pop("files", None))
    settings = {key: description.pop(key) for key in DECODER_KEYS & description.keys()}
    # A changed byte in bundle.json shows here: the model's own copy is under its checksum.
    if description != read_metadata(path / MODEL):
        raise BundleError(index, f"{MODEL} describes itself otherwise; export the model again")
    acoustic = acoustic_from_json(index, description)
    return Bundle(path, acoustic, decoder_from_json(index, settings, files, acoustic))


def _recover(path: Path) -> None:
    """Find a bundle again that a killed process has left half replaced: see storage.folders."""
    try:
        recover_folder(path)
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error.strerror}") from None


def _read_index(index: Path) -> dict[str, Any]:
    try:
        return load_json(read_regular_file(index, _MAX_INDEX_BYTES))
    except OSError as error:
        raise BundleError(index, f"{error.strerror}; not a bundle") from None
    except ValueError as error:
        raise BundleError(index, f"not readable as JSON: {error}") from None


def _verified(folder: Path, checksums: object) -> dict[str, Path]:
    """The files of a bundle that checksums name, each of them found intact."""
    if not isinstance(checksums, dict) or not {MODEL} <= checksums.keys() <= FILES - {INDEX}:
        others = ", ".join(sorted(FILES - {INDEX, MODEL}))
        raise BundleError(
            folder / INDEX, f"files: must hold the SHA-256 of {MODEL}, and at most of {others}"
        )
    for name, expected in checksums.items():
        path = folder / name
        try:
            with open_regular_file(path) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(path, error.strerror or str(error)) from None
        if found != expected:
            raise BundleError(path, f"damaged: its SHA-256 is not the one in {INDEX}")
    return {name: folder / name for name in checksums}
