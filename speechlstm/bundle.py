"""Bundles: a model, what it hears and what it can say, in a folder or in a single .tflite file.

    BUNDLE/model.tflite        waveform in, log-probabilities out; its description inside
    BUNDLE/lm.ngram            the language model, if it has one
    BUNDLE/rescorer.tflite     a second language model, an LSTM, if it has one
    BUNDLE/lexicon.tree        words and the symbols they are made of, if it has one
    BUNDLE/pronouncer.tflite   sounds out hot words that the lexicon lacks, if it has one
    BUNDLE/bundle.json         the same description for people, how to decode, and the SHA-256 of
                               every other file

The .tflite file alone is a bundle without what only the decoder needs. A bundle holds no code.
Whatever is missing, damaged or unknown in it is refused, never guessed.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from speechlstm import __version__
from speechlstm.config import Config, DecodeConfig, FeatureConfig, NetworkConfig, RescoringConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.prior import Prior
from speechlstm.errors import BundleError, ConfigError
from speechlstm.storage import folder_written_atomically, write_atomically
from speechlstm.text.alphabet import BLANK, Alphabet
from speechlstm.tflite.metadata import dump_json, embed_metadata, load_json, read_metadata

if TYPE_CHECKING:  # whom nothing else makes import it need not wait for it
    from speechlstm.decoding.lexicon_tree import LexiconTree

FORMAT_VERSION = 1

_INDEX = "bundle.json"
_MODEL = "model.tflite"
_LM = "lm.ngram"
_RESCORER = "rescorer.tflite"
_LEXICON = "lexicon.tree"
_PRONOUNCER = "pronouncer.tflite"
_DECODER = {
    "decoding": DecodeConfig,
    "rescoring": RescoringConfig,
    "calibration": Calibration,
    "prior": Prior,
}
_FILES = {_INDEX, _MODEL, _LM, _RESCORER, _LEXICON, _PRONOUNCER}
_KEYS = {"format_version", "writer", "features", "alphabet", "model", "training"}

AnyConfig = TypeVar("AnyConfig", bound=Config)


@dataclass(frozen=True)
class Bundle:
    """A model that has been read and found intact.

    Attributes:
        path: The folder, or the .tflite file.
        features: How the model hears: sample rate and frames.
        alphabet: What the model can say.
        model: The network.
        training: How the model was made; plain JSON values, for people.
        phones: What the model's second output stands for; None: it has none.
        decoding: How its output becomes text.
        rescoring: What the second language model is for.
        calibration: What makes a word's score the probability that it was said; None: not known.
        prior: How probable labels are before anything is heard; None: not known.
        lm_path: The language model; None: there is none.
        rescorer_path: A second one, an LSTM; None: there is none.
        lexicon_path: The words that there are; None: any.
        pronouncer_path: What sounds out hot words that the lexicon lacks; None: nothing does.
    """

    path: Path
    features: FeatureConfig
    alphabet: Alphabet
    model: NetworkConfig
    training: Mapping[str, Any]
    phones: Alphabet | None = None
    decoding: DecodeConfig = field(default_factory=DecodeConfig)
    rescoring: RescoringConfig = field(default_factory=RescoringConfig)
    calibration: Calibration | None = None
    prior: Prior | None = None
    lm_path: Path | None = None
    rescorer_path: Path | None = None
    lexicon_path: Path | None = None
    pronouncer_path: Path | None = None

    @property
    def model_path(self) -> Path:
        """The .tflite file: float32 [1, num_samples] in, [1, num_frames, width] out.

        The columns are the labels of the alphabet, then those of the phones.
        """
        return self.path / _MODEL if self.path.is_dir() else self.path

    @property
    def lexicon_alphabet(self) -> Alphabet:
        """What a lexicon is made of: phones, if the model emits them."""
        return self.phones or self.alphabet

    @property
    def frame_seconds(self) -> float:
        """Seconds from one output frame to the next."""
        return self.features.hop_ms * self.model.frame_stack / 1000

    @property
    def is_searched(self) -> bool:
        """Whether beam search reads its output by default: it has what tells words apart."""
        return bool(self.lm_path or self.lexicon_path or self.decoding.hot_words)


def default_bundle() -> Path:
    """The model that comes with the package.

    Raises:
        BundleError: This installation has none.
    """
    path = Path(__file__).parent / "assets" / "english"
    if not path.is_dir():
        raise BundleError(path, "this installation has no model; name one: --bundle BUNDLE")
    return path


def read_bundle(path: Path) -> Bundle:
    """Read a bundle's folder, or a .tflite file that speechlstm wrote, and check all of it.

    Raises:
        BundleError: It is missing, damaged, of another format version, or lacks a part.
    """
    if path.is_file():
        return _parse(path, path, read_metadata(path))
    index = path / _INDEX
    description = _read_index(index)
    _check_version(index, description)
    files = _verified(path, description.pop("files", None))
    decoder = {key: description.pop(key) for key in _DECODER.keys() & description.keys()}
    # A changed byte in bundle.json shows here: the model's own copy is under its checksum.
    if description != read_metadata(path / _MODEL):
        raise BundleError(index, f"{_MODEL} describes itself otherwise; export the model again")
    bundle = _parse(path, index, description)
    return _with_decoder(bundle, index, decoder, files)


def write_bundle(
    path: Path,
    tflite: bytes,
    features: FeatureConfig,
    alphabet: Alphabet,
    model: NetworkConfig,
    training: Mapping[str, Any],
    phones: Alphabet | None = None,
) -> None:
    """Write a bundle's folder; a bundle that was there stays until the new one is whole.

    Args:
        path: The folder; missing parents are made.
        tflite: The model as converted; its description is put inside.
        features: How the model hears.
        alphabet: What the model can say.
        model: The network.
        training: How the model was made: plain JSON values.
        phones: What its second output stands for, if it has one.

    Raises:
        BundleError: Something else stands at path.
        ValueError: tflite is no TensorFlow Lite model, or training is not JSON.
    """
    refuse_to_replace_others(path)
    description = {
        "format_version": FORMAT_VERSION,
        "writer": f"speechlstm {__version__}",
        "features": features.to_dict(),
        "alphabet": _description(alphabet),
        "model": model.to_dict(),
        "training": training,
    }
    if phones:
        description["phones"] = _description(phones)
    _write(path, description, {_MODEL: embed_metadata(tflite, description)})


def write_decoder(
    path: Path,
    decoding: DecodeConfig,
    calibration: Calibration | None = None,
    lm: Path | None = None,
    lexicon: "LexiconTree | None" = None,
    pronouncer: Path | None = None,
    prior: Prior | None = None,
    rescorer: Path | None = None,
    rescoring: RescoringConfig | None = None,
) -> None:
    """Give a bundle's folder another decoder in place of the one it has; its model stays.

    Args:
        path: The folder.
        decoding: How the model's output becomes text.
        calibration: What makes a word's score the probability that it was said.
        lm: A packed language model to copy; it may be the bundle's own.
        lexicon: The words that there are, to be packed.
        pronouncer: A pronouncer to copy; it may be the bundle's own.
        prior: How probable are the labels that the decoder reads.
        rescorer: An LSTM language model to copy; it may be the bundle's own.
        rescoring: What that is for.

    Raises:
        BundleError: It is no bundle's folder, or damaged.
        OSError: A file cannot be read or written; the bundle is as it was before.
    """
    if path.is_file():
        raise BundleError(path, "a .tflite file holds no decoder; name a bundle's folder")
    read_bundle(path)
    refuse_to_replace_others(path)
    contents = {_MODEL: (path / _MODEL).read_bytes()}
    if lm:
        contents[_LM] = lm.read_bytes()
    if rescorer:
        contents[_RESCORER] = rescorer.read_bytes()
    if lexicon:
        contents[_LEXICON] = lexicon.packed()
    if pronouncer:
        contents[_PRONOUNCER] = pronouncer.read_bytes()
    parts = {
        "decoding": decoding,
        "rescoring": rescoring,
        "calibration": calibration,
        "prior": prior,
    }
    index = read_metadata(path / _MODEL)
    index |= {key: part.to_dict() for key, part in parts.items() if part}
    _write(path, index, contents)


def _write(path: Path, index: Mapping[str, Any], contents: Mapping[str, bytes]) -> None:
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    with folder_written_atomically(path) as folder:
        for name, content in contents.items():
            write_atomically(folder / name, content)
        write_atomically(folder / _INDEX, dump_json({**index, "files": files}))


def _description(alphabet: Alphabet) -> dict[str, Any]:
    return {"symbols": alphabet.symbols, "separator": alphabet.separator, "blank": BLANK}


def refuse_to_replace_others(path: Path) -> None:
    """Refuse to write a bundle where other things would be lost.

    Raises:
        BundleError: The path is a file, or a folder that holds something other than a bundle.
    """
    if not path.exists():
        return
    names = {p.name for p in path.iterdir()} if path.is_dir() else {path.name}
    if names and (_INDEX not in names or names - _FILES):
        raise BundleError(
            path, "holds something other than a bundle, which would be lost; name another place"
        )


def _read_index(index: Path) -> dict[str, Any]:
    try:
        return load_json(index.read_bytes())
    except OSError as error:
        raise BundleError(index, f"{error.strerror}; not a bundle") from None
    except ValueError as error:
        raise BundleError(index, f"not readable as JSON: {error}") from None


def _verified(folder: Path, checksums: object) -> dict[str, Path]:
    """The files of a bundle that checksums name, each of them found intact."""
    if not isinstance(checksums, dict) or not {_MODEL} <= checksums.keys() <= _FILES - {_INDEX}:
        others = ", ".join(sorted(_FILES - {_INDEX, _MODEL}))
        raise BundleError(
            folder / _INDEX, f"files: must hold the SHA-256 of {_MODEL}, and at most of {others}"
        )
    for name, expected in checksums.items():
        path = folder / name
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BundleError(path, error.strerror or str(error)) from None
        if found != expected:
            raise BundleError(path, f"damaged: its SHA-256 is not the one in {_INDEX}")
    return {name: folder / name for name in checksums}


def _check_version(where: Path, description: Mapping[str, Any]) -> None:
    if "format_version" not in description:
        raise BundleError(where, "format_version: missing; not a bundle")
    version = description["format_version"]
    if version != FORMAT_VERSION:
        raise BundleError(
            where, f"has format version {version!r:.40}; this speechlstm reads {FORMAT_VERSION}"
        )


def _parse(path: Path, where: Path, description: Mapping[str, Any]) -> Bundle:
    """The bundle at path from its description, which stands in the file `where`."""
    _check_version(where, description)
    try:
        _expect_keys("", description, _KEYS | ({"phones"} & description.keys()))
        return Bundle(
            path,
            _config(FeatureConfig, description["features"]),
            _alphabet("alphabet", description["alphabet"]),
            _config(NetworkConfig, description["model"]),
            _mapping("training", description["training"]),
            _alphabet("phones", description["phones"]) if "phones" in description else None,
        )
    except ConfigError as error:
        raise BundleError(where, str(error)) from None


def _with_decoder(
    bundle: Bundle, index: Path, description: Mapping[str, Any], files: Mapping[str, Path]
) -> Bundle:
    try:
        bundle = replace(
            bundle,
            lm_path=files.get(_LM),
            rescorer_path=files.get(_RESCORER),
            lexicon_path=files.get(_LEXICON),
            pronouncer_path=files.get(_PRONOUNCER),
            **{key: _config(_DECODER[key], values) for key, values in description.items()},
        )
    except ConfigError as error:
        raise BundleError(index, str(error)) from None
    labels = bundle.lexicon_alphabet if bundle.lexicon_path else bundle.alphabet
    if bundle.prior and len(bundle.prior.log_probs) != labels.num_labels:
        raise BundleError(index, f"prior: is not of {labels.num_labels} labels")
    return bundle


def _config(kind: type[AnyConfig], values: object) -> AnyConfig:
    # Config would fill in defaults, which need not be those the model was trained with.
    keys = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    return kind.from_dict(_expect_keys(kind.section, _mapping(kind.section, values), keys))


def _alphabet(name: str, values: object) -> Alphabet:
    mapping = _mapping(name, values)
    _expect_keys(name, mapping, {"symbols", "separator", "blank"})
    symbols, separator, blank = mapping["symbols"], mapping["separator"], mapping["blank"]
    if not isinstance(symbols, list) or not all(isinstance(s, str) for s in [*symbols, separator]):
        raise ConfigError(f"{name}: symbols must be a list of texts, separator a text")
    if blank != BLANK:
        raise ConfigError(f"{name}.blank: must be {BLANK}, is {blank!r}")
    return Alphabet(tuple(symbols), separator)


def _mapping(name: str, values: object) -> Mapping[str, Any]:
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: must be an object, is {values!r:.40}")
    return values


def _expect_keys(name: str, values: Mapping[str, Any], keys: set[str]) -> Mapping[str, Any]:
    different = sorted(keys ^ set(values))
    if different:
        verb = "missing" if different[0] in keys else "unknown"
        raise ConfigError(f"{name}.{different[0]}: {verb}".lstrip("."))
    return values
