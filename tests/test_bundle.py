import hashlib
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from speechlstm.bundle import (
    AcousticSpec,
    Bundle,
    decoder_to_keep,
    default_bundle,
    read,
    read_bundle,
    write_bundle,
    write_decoder,
)
from speechlstm.bundle import write as write_module
from speechlstm.config import DecodeConfig, FeatureConfig, NetworkConfig, NeuralLMConfig
from speechlstm.decoding.confidence import Calibration
from speechlstm.decoding.lexicon_tree import LexiconTree
from speechlstm.decoding.prior import Prior
from speechlstm.decoding.spec import DecoderSpec, FastDecoding
from speechlstm.errors import BundleError
from speechlstm.text.alphabet import ENGLISH, Alphabet
from speechlstm.tflite.metadata import embed_metadata, read_metadata

TFLITE = (Path(__file__).parent / "assets" / "levels.tflite").read_bytes()
MODEL = NetworkConfig(frame_stack=1, num_layers=2)
ACOUSTIC = AcousticSpec(FeatureConfig(), ENGLISH, MODEL, training={"num_epochs": 3})


def write(path: Path, **training: object) -> Path:
    write_bundle(path, TFLITE, AcousticSpec(FeatureConfig(), ENGLISH, MODEL, training=training))
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("written") / "bundle", num_epochs=3)


@pytest.fixture
def folder(tmp_path: Path, written: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "bundle"))


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_reads_what_was_written(folder: Path) -> None:
    expected = Bundle(folder, ACOUSTIC)
    assert read_bundle(folder) == expected


def test_bundles_from_before_the_look_ahead_are_read(folder: Path) -> None:
    assert "lookahead" not in json.loads((folder / "bundle.json").read_text())["model"]
    assert read_bundle(folder).acoustic.network.lookahead == 0


def test_a_streaming_form_stands_beside_another_one(tmp_path: Path) -> None:
    forms = dict.fromkeys(("model.portable.tflite", "model.streaming.tflite"), TFLITE)
    network = replace(MODEL, bidirectional=False, lookahead=7)
    spec = replace(ACOUSTIC, network=network)
    write_bundle(tmp_path / "bundle", forms, spec)
    index = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert (index["format_version"], index["model"]["lookahead"]) == (3, 7)
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.acoustic == spec
    assert bundle.streaming_path == tmp_path / "bundle" / "model.streaming.tflite"
    assert bundle.model_path.name == "model.portable.tflite"
    assert read_bundle(bundle.model_path).streaming_path is None
    write_decoder(tmp_path / "bundle", DecoderSpec(config=DecodeConfig(beam_width=3)))
    assert read_bundle(tmp_path / "bundle").streaming_path == bundle.streaming_path
    with pytest.raises(ValueError, match="no models"):
        write_bundle(tmp_path / "other", {"model.streaming.tflite": TFLITE}, spec)


def test_the_model_file_alone_says_the_same(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.tflite"
    alone.write_bytes((folder / "model.tflite").read_bytes())
    bundle = read_bundle(alone)
    assert bundle == Bundle(alone, ACOUSTIC)
    assert bundle.model_path == alone


def test_holds_nothing_but_a_model_and_json_with_its_checksum(folder: Path) -> None:
    assert set(content(folder)) == {"bundle.json", "model.tflite"}
    index = json.loads((folder / "bundle.json").read_text())
    model = (folder / "model.tflite").read_bytes()
    assert index["files"] == {"model.tflite": hashlib.sha256(model).hexdigest()}
    assert index["alphabet"]["blank"] == 0


def test_frame_seconds_is_hop_times_stack() -> None:
    features, model = FeatureConfig(hop_ms=12.5, sample_rate=8000, high_hz=4000), NetworkConfig()
    assert AcousticSpec(features, ENGLISH, model).frame_seconds == pytest.approx(3 * 0.0125)


@pytest.mark.parametrize(
    "name", ["bundle.json", pytest.param("model.tflite", marks=pytest.mark.slow)]
)
def test_any_flipped_byte_is_found(folder: Path, name: str) -> None:
    good = (folder / name).read_bytes()
    for position in range(0, len(good), 5):
        flipped = good[position] ^ (1 << position % 8)
        (folder / name).write_bytes(good[:position] + bytes([flipped]) + good[position + 1 :])
        with pytest.raises(BundleError, match=name.replace(".", r"\.")):
            read_bundle(folder)


@pytest.mark.parametrize("name", ["bundle.json", "model.tflite"])
@pytest.mark.parametrize("num_bytes", [0, 1, 100, 700])
def test_a_cut_file_is_found(folder: Path, name: str, num_bytes: int) -> None:
    (folder / name).write_bytes((folder / name).read_bytes()[:num_bytes])
    with pytest.raises(BundleError, match=name.replace(".", r"\.")):
        read_bundle(folder)


@pytest.mark.parametrize("name", ["bundle.json", "model.tflite"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=rf"{name}: No such file"):
        read_bundle(folder)


def test_a_missing_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"nowhere: no such bundle"):
        read_bundle(tmp_path / "nowhere")
    (tmp_path / "run.json").touch()
    with pytest.raises(BundleError, match="is a run; make a bundle of it: speechlstm export"):
        read_bundle(tmp_path)


def without(*keys: str) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        for key in keys[:-1]:
            description = description[key]
        del description[keys[-1]]

    return change


def setting(value: object, *keys: str) -> Callable[[dict[str, Any]], None]:
    def change(description: dict[str, Any]) -> None:
        for key in keys[:-1]:
            description = description[key]
        description[keys[-1]] = value

    return change


# Each is put where no checksum is wrong: only what is said can give it away.
FAULTS = [
    (without("format_version"), "format_version: missing"),
    (setting(2, "format_version"), "has format version 2; this speechlstm reads 1"),
    (setting(["x"], "format_version"), "has format version"),
    (without("writer"), "writer: missing"),
    (setting(1, "surprise"), "surprise: unknown"),
    (without("features"), "features: missing"),
    (setting([], "features"), "features: must be an object"),
    (without("features", "hop_ms"), "features.hop_ms: missing"),
    (setting("10", "features", "hop_ms"), "features.hop_ms: must be a finite number, is '10'"),
    (setting(True, "features", "num_mels"), "features.num_mels: must be a whole number"),
    (setting(-1, "features", "sample_rate"), "features.sample_rate: must be at least"),
    (setting(10**400, "features", "sample_rate"), "features.sample_rate: must be a whole number"),
    (setting(10**400, "features", "hop_ms"), "features.hop_ms: must be a finite number"),
    (setting([[]], "features", "normalize"), "features.normalize: must be one of"),
    (without("model", "cell"), "model.cell: missing"),
    (setting("code", "model", "lambda"), "model.lambda: unknown"),
    (without("alphabet", "blank"), "alphabet.blank: missing"),
    (setting(28, "alphabet", "blank"), "alphabet.blank: must be 0"),
    (setting("abc", "alphabet", "symbols"), "alphabet: symbols must be a list"),
    (setting([1, 2], "alphabet", "symbols"), "alphabet: symbols must be a list"),
    (setting([], "alphabet", "symbols"), "alphabet: must have at least one symbol"),
    (setting(["a", "a"], "alphabet", "symbols"), "alphabet: repeated"),
    (setting(None, "alphabet", "separator"), "alphabet: symbols must be a list"),
    (setting(None, "training"), "training: must be an object"),
]


@pytest.mark.parametrize(("change", "reason"), FAULTS)
def test_a_fault_in_the_description_is_named(
    folder: Path, tmp_path: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    description = read_metadata(folder / "model.tflite")
    change(description)
    model = embed_metadata(TFLITE, description)
    alone = tmp_path / "alone.tflite"
    alone.write_bytes(model)
    (folder / "model.tflite").write_bytes(model)
    files = {"model.tflite": hashlib.sha256(model).hexdigest()}
    (folder / "bundle.json").write_text(json.dumps(description | {"files": files}))
    for path, named in ((folder, "bundle.json"), (alone, "alone.tflite")):
        with pytest.raises(BundleError) as caught:
            read_bundle(path)
        assert f"{named}: {reason}" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "files",
    [
        None,
        [],
        {},
        {"model.tflite": None},
        {"model.tflite": "0" * 64},
        {"../model.tflite": "0" * 64},
        {"model\0": ""},
    ],
)
def test_checksums_have_to_be_there_and_right(folder: Path, files: object) -> None:
    index = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(index | {"files": files}))
    with pytest.raises(BundleError, match="SHA-256"):
        read_bundle(folder)


def test_the_description_has_to_be_the_models_own(folder: Path) -> None:
    index = json.loads((folder / "bundle.json").read_text())
    index["features"]["hop_ms"] = 20.0  # a fine value, only not this model's
    (folder / "bundle.json").write_text(json.dumps(index))
    with pytest.raises(BundleError, match="differs from the description inside model"):
        read_bundle(folder)


def test_a_new_bundle_replaces_the_old_one(folder: Path, tmp_path: Path) -> None:
    write(folder, num_epochs=4)
    assert read_bundle(folder).acoustic.training == {"num_epochs": 4}
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]


DECODING, CALIBRATION = DecodeConfig(lm_weight=1.25, hot_words=("brexit",)), Calibration(0.8, 0.1)
PRIOR = Prior.from_dict({"log_probs": [math.log(1 / ENGLISH.num_labels)] * ENGLISH.num_labels})
RESCORING = NeuralLMConfig(0.25, "fuse")


@pytest.fixture
def decoder(folder: Path, tmp_path: Path) -> Path:
    """A bundle with all parts of a decoder."""
    (tmp_path / "lm").write_bytes(bytes(range(256)))
    (tmp_path / "words").write_text("a a\n")
    (tmp_path / "lstm").write_bytes(b"LSTM")
    lm, lstm, words = (tmp_path / name for name in ("lm", "lstm", "words"))
    spec = DecoderSpec(DECODING, lm, lstm, RESCORING, words, None, PRIOR, CALIBRATION)
    write_decoder(folder, spec)
    return folder


def test_a_decoder_joins_the_model(decoder: Path) -> None:
    bundle = read_bundle(decoder)
    files = [decoder / name for name in ("lm.ngram", "rescorer.tflite", "lexicon.tree")]
    lm, lstm, words = files
    spec = DecoderSpec(DECODING, lm, lstm, RESCORING, words, None, PRIOR, CALIBRATION)
    assert bundle == Bundle(decoder, ACOUSTIC, spec)
    assert lm.read_bytes() == bytes(range(256))
    assert lstm.read_bytes() == b"LSTM"
    assert LexiconTree.open(words).words == ["a"]
    assert read_bundle(bundle.model_path) == Bundle(bundle.model_path, ACOUSTIC)


@pytest.mark.parametrize("is_fused", [False, True])
def test_how_the_lstm_takes_part_is_written_as_format_1_has_it(
    decoder: Path, is_fused: bool
) -> None:
    index = json.loads((decoder / "bundle.json").read_text())
    assert index["format_version"] == 1
    assert index["rescoring"] == {"weight": 0.25, "shallow_fusion": True}
    index["rescoring"] = {"weight": 0.7, "shallow_fusion": is_fused}
    (decoder / "bundle.json").write_text(json.dumps(index))
    expected = NeuralLMConfig(0.7, "fuse" if is_fused else "rescore")
    assert read_bundle(decoder).decoder.neural_lm_config == expected


@pytest.mark.parametrize("calibration", [None, Calibration(0.5, 0.25)])
def test_fast_settings_are_kept(decoder: Path, calibration: Calibration | None) -> None:
    fast = FastDecoding(DecodeConfig(beam_width=32, lm_weight=0.75), calibration)
    spec = replace(read_bundle(decoder).decoder, fast=fast)
    write_decoder(decoder, spec)
    assert read_bundle(decoder).decoder == spec
    index = json.loads((decoder / "bundle.json").read_text())
    for wrong in (None, [], {}, {"decoding": {}}, index["fast"] | {"more": 1}):
        (decoder / "bundle.json").write_text(json.dumps(index | {"fast": wrong}))
        with pytest.raises(BundleError, match=r"bundle\.json: (fast|decoding)"):
            read_bundle(decoder)


def test_a_bundle_from_before_sentences_ended_at_pauses_is_read(decoder: Path) -> None:
    spec = replace(read_bundle(decoder).decoder, fast=FastDecoding(DecodeConfig(beam_width=64)))
    write_decoder(decoder, spec)
    index = json.loads((decoder / "bundle.json").read_text())
    for section in (index, index["fast"]):
        assert section["decoding"].pop("sentence_pause") == 0
    (decoder / "bundle.json").write_text(json.dumps(index))
    assert read_bundle(decoder).decoder == spec


def test_how_many_words_tell_contexts_apart_is_kept(decoder: Path) -> None:
    spec = read_bundle(decoder).decoder
    spec = replace(spec, neural_lm_config=NeuralLMConfig(0.7, "fuse", 4))
    write_decoder(decoder, spec)
    assert read_bundle(decoder).decoder.neural_lm_config.context_words == 4


def test_a_decoder_takes_the_place_of_the_one_before(decoder: Path) -> None:
    other = DecoderSpec(lm=read_bundle(decoder).decoder.lm)
    write_decoder(decoder, other)
    assert read_bundle(decoder).decoder == other
    assert set(content(decoder)) == {"bundle.json", "model.tflite", "lm.ngram"}


def test_a_network_for_readable_text_is_optional_and_kept(decoder: Path, tmp_path: Path) -> None:
    assert read_bundle(decoder).decoder.punctuator is None
    (tmp_path / "network").write_bytes(b"LSTM")
    write_decoder(decoder, replace(read_bundle(decoder).decoder, punctuator=tmp_path / "network"))
    assert (decoder / "punctuator.tflite").read_bytes() == b"LSTM"
    write_decoder(decoder, replace(read_bundle(decoder).decoder, calibration=None))
    kept = decoder_to_keep(decoder, ACOUSTIC)
    assert kept
    assert kept.punctuator == decoder / "punctuator.tflite"
    (decoder / "punctuator.tflite").write_bytes(b"else")
    with pytest.raises(BundleError, match=r"punctuator\.tflite: damaged"):
        read_bundle(decoder)


def test_a_prior_of_other_labels_is_refused(decoder: Path) -> None:
    two = Prior((math.log(0.5), math.log(0.5)))
    write_decoder(decoder, DecoderSpec(DECODING, prior=two))
    with pytest.raises(BundleError, match=r"bundle\.json: prior: has 2 labels, the model 29"):
        read_bundle(decoder)


def test_other_things_in_a_bundle_are_not_lost(decoder: Path) -> None:
    (decoder / "NOTES.txt").write_text("mine")
    with pytest.raises(BundleError, match="has something other than a bundle"):
        write_decoder(decoder, DecoderSpec(DECODING))
    assert (decoder / "NOTES.txt").read_text() == "mine"


def test_notes_for_people_stay_with_the_bundle(decoder: Path) -> None:
    (decoder / "README.md").write_text("# Trained on letters to my aunt")
    write_decoder(decoder, DecoderSpec())
    write(decoder, num_epochs=4)
    assert (decoder / "README.md").read_text() == "# Trained on letters to my aunt"
    assert read_bundle(decoder).acoustic.training == {"num_epochs": 4}


def test_a_decoder_stays_with_a_new_model_of_the_same_labels(decoder: Path) -> None:
    before = read_bundle(decoder).decoder
    kept = decoder_to_keep(decoder, ACOUSTIC)
    assert kept == replace(before, calibration=None)
    new = replace(ACOUSTIC, network=NetworkConfig(frame_stack=1, num_layers=1))
    files = {path.name: path.read_bytes() for path in before.files}
    write_bundle(decoder, TFLITE, new, kept)
    bundle = read_bundle(decoder)
    assert (bundle.acoustic, bundle.decoder) == (new, kept)
    assert {path.name: path.read_bytes() for path in bundle.decoder.files} == files


@pytest.mark.parametrize(
    "labels", [{"alphabet": Alphabet(("a", "b"))}, {"phones": Alphabet(("AA", "B"), separator=" ")}]
)
def test_a_decoder_for_other_labels_is_not_lost(decoder: Path, labels: dict[str, Alphabet]) -> None:
    new = replace(ACOUSTIC, **labels)  # type: ignore[arg-type]
    reason = "is for other labels than the new model, and lm.ngram, rescorer.tflite, lexicon.tree"
    with pytest.raises(
        BundleError, match=f"{reason} would be lost; choose another path, or remove"
    ):
        decoder_to_keep(decoder, new)
    (decoder / "model.tflite").write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"is damaged \(.*\), and lm.ngram, .* would be lost"):
        decoder_to_keep(decoder, ACOUSTIC)


def test_where_no_decoder_was_chosen_there_is_none_to_keep(folder: Path, tmp_path: Path) -> None:
    assert decoder_to_keep(folder, ACOUSTIC) is None
    assert decoder_to_keep(folder, replace(ACOUSTIC, alphabet=Alphabet(("a",)))) is None
    (folder / "model.tflite").write_bytes(b"damaged")
    for path in (folder, tmp_path / "nowhere", tmp_path):
        assert decoder_to_keep(path, ACOUSTIC) is None


def test_a_new_model_takes_the_decoder_with_it(decoder: Path) -> None:
    write(decoder, num_epochs=4)
    assert set(content(decoder)) == {"bundle.json", "model.tflite"}


@pytest.mark.parametrize("name", ["lm.ngram", "rescorer.tflite", "lexicon.tree"])
def test_every_part_of_a_decoder_is_checked(decoder: Path, name: str) -> None:
    good = (decoder / name).read_bytes()
    for bad in (good[:-1], bytes([good[0] ^ 1]) + good[1:], b""):
        (decoder / name).write_bytes(bad)
        with pytest.raises(BundleError, match=f"{name}: damaged"):
            read_bundle(decoder)
    (decoder / name).unlink()
    with pytest.raises(BundleError, match=f"{name}: No such file"):
        read_bundle(decoder)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (setting(-1, "decoding", "beam_width"), "decoding.beam_width: must be at least 1"),
        (setting(1, "decoding", "surprise"), "decoding.surprise: unknown"),
        (without("decoding", "lm_weight"), "decoding.lm_weight: missing"),
        (setting([], "decoding"), "decoding: must be an object"),
        (setting(2, "rescoring", "weight"), r"neural_lm.weight: must be in \[0, 1\], is 2"),
        (setting("x", "rescoring", "weight"), "neural_lm.weight: must be a finite number"),
        (setting("fuse", "rescoring", "shallow_fusion"), "rescoring.shallow_fusion: must be true"),
        (without("rescoring", "shallow_fusion"), "rescoring.shallow_fusion: missing"),
        (setting("fuse", "rescoring", "mode"), "rescoring.mode: unknown"),
        (setting(None, "rescoring"), "rescoring: must be an object"),
        (setting(-1, "calibration", "slope"), "calibration.slope: must be at least 0"),
        (setting("", "files", "notes.txt"), "files: must have the SHA-256 of model.tflite, and"),
    ],
)
def test_a_fault_in_the_decoder_is_named(
    decoder: Path, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    index = json.loads((decoder / "bundle.json").read_text())
    change(index)
    (decoder / "bundle.json").write_text(json.dumps(index))
    with pytest.raises(BundleError, match=rf"bundle\.json: {reason}"):
        read_bundle(decoder)


def test_a_decoder_that_cannot_be_written_leaves_the_old_one(
    decoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(decoder)
    with pytest.raises(FileNotFoundError, match="missing"):
        write_decoder(decoder, DecoderSpec(lm=tmp_path / "missing"))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write_module, "write_atomically", fail)
    with pytest.raises(OSError, match="No space"):
        write_decoder(decoder, DecoderSpec())
    assert content(decoder) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle", "lm", "lstm", "words"]


def test_a_decoder_needs_a_bundles_folder(decoder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="give the folder of a bundle"):
        write_decoder(decoder / "model.tflite", DecoderSpec())
    with pytest.raises(BundleError, match="no such bundle"):
        write_decoder(tmp_path / "nowhere", DecoderSpec())


@pytest.mark.parametrize("suffix", ["new", "old"])
def test_a_bundle_is_found_that_a_killed_process_was_replacing(
    decoder: Path, tmp_path: Path, suffix: str
) -> None:
    whole = read_bundle(decoder)
    decoder.rename(tmp_path / f".bundle.1073741824-0123abcd.{suffix}")
    assert read_bundle(decoder) == whole
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle", "lm", "lstm", "words"]


@pytest.mark.parametrize("failing", ["write_atomically", "embed_metadata"])
def test_a_failed_write_leaves_the_old_bundle(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    before = content(folder)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write_module, failing, fail)
    with pytest.raises(OSError, match="No space"):
        write(folder, num_epochs=4)
    assert content(folder) == before
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize("others", [["notes.txt"], ["model.tflite"], ["bundle.json", "notes.txt"]])
def test_never_replaces_what_is_no_bundle(tmp_path: Path, others: list[str]) -> None:
    for name in others:
        (tmp_path / name).write_text("mine")
    with pytest.raises(BundleError, match="something other than a bundle"):
        write(tmp_path)
    assert content(tmp_path) == dict.fromkeys(others, b"mine")


def test_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(BundleError, match="something other than a bundle"):
        write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_fills_an_empty_folder_and_makes_parents(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "a" / "b"):
        assert read_bundle(write(path)).path == path


def test_a_missing_default_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(read, "__file__", str(tmp_path / "speechlstm" / "bundle" / "read.py"))
    with pytest.raises(BundleError, match="has no model; give one with --bundle BUNDLE"):
        default_bundle()
