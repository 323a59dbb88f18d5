"""Reads and verifies bundles."""

import hashlib
from pathlib import Path
from typing import Any

from speechlstm.arguments import StrPath
from speechlstm.bundle.decoder import DECODER_KEYS, decoder_from_json
from speechlstm.bundle.index import (
    FILES,
    FORMAT_VERSION,
    INDEX,
    MODELS,
    WHOLE_MODELS,
    acoustic_from_json,
    check_version,
    classifier_from_json,
    format_version,
    is_classifier,
)
from speechlstm.bundle.spec import MODEL, PORTABLE_MODEL, Bundle, ClassifierBundle
from speechlstm.errors import BundleError
from speechlstm.storage import open_regular_file, read_regular_file, recover_folder
from speechlstm.tflite.metadata import load_json, read_metadata

_MAX_INDEX_BYTES = 1 << 26


def default_bundle() -> Path:
    """The folder of the English model in this package.

    >>> default_bundle().name
    'english'

    Raises:
        BundleError: This installation has none.
    """
    path = Path(__file__).parents[1] / "assets" / "english"
    if not path.is_dir():
        raise BundleError(path, "this installation has no model; give one with --bundle BUNDLE")
    return path


def find_bundle(name: StrPath | None) -> Path:
    """The path of a bundle from the name or path that a user gives.

    Args:
        name: "english" or None: the model in this package. Any other string, and any Path: the path
            of a folder or .tflite file. (A folder called english is `Path("english")` or
            "./english".)

    Raises:
        BundleError: This installation has no model of its own.
    """
    # A Path never equals a string.
    return default_bundle() if name is None or name == "english" else Path(name)


def read_bundle(path: StrPath) -> Bundle:
    """Read the folder of a bundle, or a .tflite file that speechlstm wrote, and verify all of it.

    >>> bundle = read_bundle(default_bundle())
    >>> bundle.acoustic.features.sample_rate, bundle.acoustic.alphabet.symbols[:4]
    (16000, (' ', "'", 'a', 'b'))
    >>> bundle.decoder.lm.name
    'lm.ngram'

    Raises:
        BundleError: The bundle is missing, damaged, incomplete or of another format version, or is
            a classifier.
    """
    found = read_any_bundle(path)
    if isinstance(found, ClassifierBundle):
        raise BundleError(
            found.path, "is a classifier, not a recogniser: use it with speechlstm classify"
        )
    return found


def read_classifier(path: StrPath) -> ClassifierBundle:
    """As read_bundle, for the bundle of a classifier.

    Raises:
        BundleError: As read_bundle, or the bundle is a recogniser.
    """
    found = read_any_bundle(path)
    if isinstance(found, Bundle):
        raise BundleError(
            found.path,
            "is a recogniser, not a classifier: use it with speechlstm transcribe, or train a "
            "classifier with speechlstm train --task classify",
        )
    return found


def read_any_bundle(path: StrPath) -> Bundle | ClassifierBundle:
    """Read the bundle of a recogniser or of a classifier, and verify all of it.

    Raises:
        BundleError: The bundle is missing, damaged, incomplete or of another format version.
    """
    path = Path(path)
    _recover(path)
    if path.is_file():
        description = read_metadata(path)
        if is_classifier(description):
            return ClassifierBundle(path, classifier_from_json(path, description))
        return Bundle(path, acoustic_from_json(path, description))
    index = path / INDEX
    description = _read_index(index)
    files = description.get("files")
    check_version(index, description, format_version(files if isinstance(files, dict) else ()))
    files = _verified(path, description.pop("files", None))
    settings = {key: description.pop(key) for key in DECODER_KEYS & description.keys()}
    description["format_version"] = FORMAT_VERSION  # that of the models
    # Detects changes in bundle.json, because the models' copies of the description have checksums.
    for name in sorted(MODELS & files.keys()):
        if description != read_metadata(path / name):
            raise BundleError(
                index, f"differs from the description inside {name}; export the model again"
            )
    if is_classifier(description):
        return ClassifierBundle(path, classifier_from_json(index, description))
    acoustic = acoustic_from_json(index, description)
    return Bundle(path, acoustic, decoder_from_json(index, settings, files, acoustic))


def _recover(path: Path) -> None:
    """Restore a bundle that a killed process has half replaced: see storage.folders."""
    try:
        recover_folder(path)
    except OSError as error:
        raise BundleError(path, f"cannot be read: {error.strerror}") from None


def _read_index(index: Path) -> dict[str, Any]:
    try:
        return load_json(read_regular_file(index, _MAX_INDEX_BYTES))
    except FileNotFoundError as error:
        if (index.parent / "run.json").exists():
            raise BundleError(
                index.parent,
                f"is a run; make a bundle of it: speechlstm export {index.parent} -o BUNDLE",
            ) from None
        if index.parent.exists():
            raise BundleError(index, f"{error.strerror}; not a bundle") from None
        raise BundleError(
            index.parent,
            "no such bundle; give the folder of a bundle, a .tflite file, or the name english",
        ) from None
    except OSError as error:
        raise BundleError(index, f"{error.strerror}; not a bundle") from None
    except ValueError as error:
        raise BundleError(index, f"not readable as JSON: {error}") from None


def _verified(folder: Path, checksums: object) -> dict[str, Path]:
    """The files listed under "files", once their checksums have been verified."""
    if (
        not isinstance(checksums, dict)
        or not WHOLE_MODELS & checksums.keys()
        or not checksums.keys() <= FILES - {INDEX}
    ):
        others = ", ".join(sorted(FILES - {INDEX, MODEL}))
        raise BundleError(
            folder / INDEX,
            f"files: must have the SHA-256 of {MODEL}, and may have those of {others}; that of "
            f"{PORTABLE_MODEL} may stand in its place",
        )
    for name in MODELS - checksums.keys():
        if (folder / name).exists():
            raise BundleError(folder / name, f"has no SHA-256 in {INDEX}; export the model again")
    for name, expected in checksums.items():
        path = folder / name
        try:
            with open_regular_file(path) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(path, error.strerror or str(error)) from None
        if digest != expected:
            raise BundleError(path, f"damaged: its SHA-256 is not the one in {INDEX}")
    return {name: folder / name for name in checksums}
