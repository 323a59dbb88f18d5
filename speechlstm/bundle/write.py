"""Writes bundles, whole or not at all."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from speechlstm.bundle.index import (
    CARD,
    DECODER_FILES,
    FILES,
    INDEX,
    acoustic_to_json,
    decoder_to_json,
)
from speechlstm.bundle.read import read_bundle
from speechlstm.bundle.spec import MODEL, AcousticSpec
from speechlstm.decoding.spec import DecoderSpec
from speechlstm.errors import BundleError
from speechlstm.storage import folder_written_atomically, write_atomically
from speechlstm.tflite.metadata import dump_json, embed_metadata, read_metadata


def write_bundle(
    path: Path, tflite: bytes, acoustic: AcousticSpec, decoder: DecoderSpec | None = None
) -> None:
    """Write a bundle's folder; a bundle that was there stays until the new one is whole.

    Args:
        path: The folder; missing parents are made.
        tflite: The acoustic model as converted; its description is put inside.
        acoustic: Its description.
        decoder: Its decoder: see write_decoder; None: the best path is read.

    Raises:
        BundleError: Something else stands at path.
        ValueError: tflite is no TensorFlow Lite model, or acoustic.training is not JSON.
        OSError: A file cannot be read or written; a bundle that was there is as it was before.
    """
    refuse_to_replace_others(path)
    description = acoustic_to_json(acoustic)
    contents = {MODEL: embed_metadata(tflite, description)}
    _write(path, description, contents, acoustic, decoder)


def write_decoder(path: Path, decoder: DecoderSpec) -> None:
    """Give a bundle's folder another decoder in place of the one it has; its model stays.

    Args:
        path: The folder.
        decoder: Its files are copied, and may be the bundle's own; a lexicon is packed.

    Raises:
        BundleError: It is no bundle's folder, or damaged.
        OSError: A file cannot be read or written; the bundle is as it was before.
        Errors of `LexiconTree.load`.
    """
    if path.is_file():
        raise BundleError(path, "a .tflite file holds no decoder; name a bundle's folder")
    bundle = read_bundle(path)
    refuse_to_replace_others(path)
    contents = {MODEL: (path / MODEL).read_bytes()}
    _write(path, read_metadata(path / MODEL), contents, bundle.acoustic, decoder)


def decoder_to_keep(path: Path, acoustic: AcousticSpec) -> DecoderSpec | None:
    """The decoder of a bundle whose acoustic model is about to be replaced.

    All of it stays but the calibration, which is of what the model before gave.

    Args:
        path: The bundle's folder; there may be none.
        acoustic: The new model.

    Returns:
        The decoder; None: there is none, or nothing in it that was chosen.

    Raises:
        BundleError: Its files are for other labels than the new model's, or the bundle is damaged;
            they would be lost.
    """
    files = [name for name in DECODER_FILES.values() if (path / name).exists()]
    lost = f"{', '.join(files)} would be lost; name another place, or remove this"
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
        # Imported here: whom nothing else makes import it need not wait for it.
        from speechlstm.decoding.lexicon_tree import LexiconTree

        lexicon = LexiconTree.load(decoder.lexicon, acoustic.lexicon_alphabet)
        contents[DECODER_FILES["lexicon"]] = lexicon.packed()
    return contents


def _write(
    path: Path,
    index: Mapping[str, Any],
    contents: dict[str, bytes],
    acoustic: AcousticSpec,
    decoder: DecoderSpec | None,
) -> None:
    if decoder:
        index = {**index, **decoder_to_json(decoder)}
        contents = contents | _decoder_files(decoder, acoustic)
    card = path / CARD
    notes = {CARD: card.read_bytes()} if card.is_file() else {}
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with folder_written_atomically(path) as folder:
        for name, content in (contents | notes).items():
            write_atomically(folder / name, content)
        write_atomically(folder / INDEX, dump_json({**index, "files": files}))


def refuse_to_replace_others(path: Path) -> None:
    """Refuse to write a bundle where other things would be lost.

    Raises:
        BundleError: The path is a file, or a folder that holds something other than a bundle.
    """
    if not path.exists():
        return
    names = {p.name for p in path.iterdir()} if path.is_dir() else {path.name}
    if names and (INDEX not in names or names - FILES - {CARD}):
        raise BundleError(
            path, "holds something other than a bundle, which would be lost; name another place"
        )
