"""Writes bundles, completely or not at all."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from speechlstm.bundle.decoder import DECODER_FILES, decoder_to_json
from speechlstm.bundle.index import (
    CARD,
    FILES,
    INDEX,
    MODELS,
    WHOLE_MODELS,
    acoustic_to_json,
    classifier_to_json,
    format_version,
)
from speechlstm.bundle.read import read_bundle
from speechlstm.bundle.spec import MODEL, AcousticSpec, ClassifierSpec
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import BundleError
from speechlstm.storage import folder_written_atomically, write_atomically
from speechlstm.tflite.metadata import dump_json, embed_metadata, read_metadata


def write_bundle(
    path: Path,
    tflite: bytes | Mapping[str, bytes],
    acoustic: AcousticSpec,
    decoder: DecoderSpec | None = None,
) -> None:
    """Write the folder of a bundle. An existing bundle stays until the new one is complete.

    Args:
        path: The folder; missing parent folders are created.
        tflite: The acoustic model as converted, or its forms by the names of their files: MODEL,
            PORTABLE_MODEL or both, and STREAMING_MODEL. The description is embedded in each.
        decoder: The decoder, as in write_decoder; None: greedy decoding.

    Raises:
        BundleError: The path is something other than a bundle.
        ValueError: tflite is not a TensorFlow Lite model, or has no or another name, or
            acoustic.training is not JSON.
        OSError: A file cannot be read or written. An existing bundle stays as it was.
    """
    description = acoustic_to_json(acoustic)
    models = {MODEL: tflite} if isinstance(tflite, bytes) else tflite
    contents = _described(path, models, MODELS, description)
    if decoder:
        contents |= _decoder_files(decoder, acoustic)
        description |= decoder_to_json(decoder)
    _write(path, description, contents)


def write_classifier(path: Path, models: Mapping[str, bytes], spec: ClassifierSpec) -> None:
    """Write the folder of a classifier's bundle. An existing one stays until this is complete.

    Args:
        path: The folder; missing parent folders are created.
        models: The network in one form or two: MODEL, PORTABLE_MODEL. The description is embedded
            in each.

    Raises:
        BundleError: The path is something other than a classifier's bundle.
        ValueError, OSError: As write_bundle.
    """
    description = classifier_to_json(spec)
    if files := [name for name in DECODER_FILES.values() if (path / name).exists()]:
        raise BundleError(
            path, f"is a recogniser, and its {', '.join(files)} would be lost; choose another path"
        )
    _write(path, description, _described(path, models, WHOLE_MODELS, description))


def _described(
    path: Path, models: Mapping[str, bytes], known: set[str], description: Mapping[str, Any]
) -> dict[str, bytes]:
    """The files of models, with their description inside, for a bundle that may be written."""
    refuse_to_replace_others(path)
    if not WHOLE_MODELS & models.keys() or not models.keys() <= known:
        raise ValueError(f"no models, or unknown ones: {', '.join(models)}")
    return {name: embed_metadata(model, description) for name, model in models.items()}


def write_decoder(path: Path, decoder: DecoderSpec) -> None:
    """Replace the decoder in the folder of a bundle. The acoustic model stays.

    Args:
        decoder: Its files, which may be the bundle's own, are copied; a lexicon is packed.

    Raises:
        BundleError: The path is not the folder of a bundle, or the bundle is damaged.
        LexiconError: The lexicon cannot be read or does not fit the model.
        OSError: A file cannot be read or written. The bundle stays as it was.
    """
    if path.is_file():
        raise BundleError(path, "a .tflite file has no decoder; give the folder of a bundle")
    bundle = read_bundle(path)
    refuse_to_replace_others(path)
    contents = {name: (path / name).read_bytes() for name in MODELS if (path / name).exists()}
    contents |= _decoder_files(decoder, bundle.acoustic)
    _write(path, {**read_metadata(bundle.model_path), **decoder_to_json(decoder)}, contents)


def decoder_to_keep(path: Path, acoustic: AcousticSpec) -> DecoderSpec | None:
    """The decoder to keep when the acoustic model of a bundle is replaced.

    All of it is kept except the calibration, which depends on the acoustic model.

    Args:
        path: The folder of the bundle, which need not exist.

    Returns:
        The decoder; None if there is none, or if it is all defaults.

    Raises:
        BundleError: Files of the decoder would be lost, because they are for other labels than
            those of the new model, or because the bundle is damaged.
    """
    files = [name for name in DECODER_FILES.values() if (path / name).exists()]
    lost = f"{', '.join(files)} would be lost; choose another path, or remove this bundle"
    try:
        bundle = read_bundle(path) if (path / INDEX).exists() else None
    except BundleError as error:
        if files:
            raise BundleError(path, f"is damaged ({error.reason}), and {lost}") from None
        return None
    if not bundle:
        return None
    before = bundle.acoustic
    if (before.alphabet, before.phones) != (acoustic.alphabet, acoustic.phones):
        if files:
            raise BundleError(path, f"is for other labels than the new model, and {lost}")
        return None
    decoder = replace(bundle.decoder, calibration=None)
    return None if decoder == DecoderSpec() else decoder


def _decoder_files(decoder: DecoderSpec, acoustic: AcousticSpec) -> dict[str, bytes]:
    sources = ((name, getattr(decoder, field)) for field, name in DECODER_FILES.items())
    contents = {name: source.read_bytes() for name, source in sources if source}
    if decoder.lexicon:
        # Imported here because it takes time, and bundles without a lexicon do not need it.
        from speechlstm.decoding.lexicon_tree import LexiconTree

        lexicon = LexiconTree.load(decoder.lexicon, acoustic.lexicon_alphabet)
        contents[DECODER_FILES["lexicon"]] = lexicon.packed()
    return contents


def _write(path: Path, index: Mapping[str, Any], contents: Mapping[str, bytes]) -> None:
    card = path / CARD
    notes = {CARD: card.read_bytes()} if card.is_file() else {}
    index = {**index, "format_version": format_version(contents)}
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    with folder_written_atomically(path) as folder:
        for name, content in {**contents, **notes}.items():
            write_atomically(folder / name, content)
        write_atomically(folder / INDEX, dump_json({**index, "files": files}))


def refuse_to_replace_others(path: Path) -> None:
    """Refuse a path where writing a bundle would delete other files.

    Raises:
        BundleError: The path is a file, or a folder with something other than a bundle.
    """
    if not path.exists():
        return
    names = {p.name for p in path.iterdir()} if path.is_dir() else {path.name}
    if names and (INDEX not in names or names - FILES - {CARD}):
        raise BundleError(
            path, "has something other than a bundle, which would be lost; choose another path"
        )
