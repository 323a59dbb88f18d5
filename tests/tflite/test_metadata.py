import hashlib
import struct
from pathlib import Path

import pytest
from ai_edge_litert import schema_py_generated as schema

from speechlstm.errors import BundleError
from speechlstm.tflite.metadata import embed_metadata, load_json, read_metadata

ASSETS = Path(__file__).parents[1] / "assets"
MODELS = [ASSETS / "levels.tflite", ASSETS / "recurrent.tflite"]
DESCRIPTION = {"alphabet": ["ä", "ß"], "numbers": [1, 2.5], "nested": {"none": None}}


def entries(tflite: bytes) -> dict[str, bytes]:
    """Name and content of every metadata entry, by the code generated from TFLite's schema."""
    model = schema.Model.GetRootAs(tflite)
    found = {}
    for k in range(model.MetadataLength()):
        entry = model.Metadata(k)
        buffer = model.Buffers(entry.Buffer())
        found[entry.Name().decode()] = buffer.DataAsNumpy().tobytes()
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda p: p.stem)
def test_reads_what_was_embedded(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(embed_metadata(model.read_bytes(), DESCRIPTION))
    assert read_metadata(path) == DESCRIPTION


@pytest.mark.parametrize("model", MODELS, ids=lambda p: p.stem)
def test_leaves_the_model_as_it_was(model: Path) -> None:
    plain = model.read_bytes()
    embedded = embed_metadata(plain, DESCRIPTION)
    assert embedded.index(plain) % 16 == 0  # weights keep their alignment
    before, after = (schema.ModelT.InitFromPackedBuf(data) for data in (plain, embedded))
    assert (after.version, after.description) == (before.version, before.description)
    assert len(after.operatorCodes) == len(before.operatorCodes)
    assert len(after.subgraphs[0].operators) == len(before.subgraphs[0].operators)
    for old, new in zip(before.buffers, after.buffers[:-1], strict=True):
        assert old.data is new.data is None or bytes(old.data) == bytes(new.data)


def test_keeps_other_entries_and_replaces_its_own() -> None:
    plain = MODELS[0].read_bytes()
    twice = embed_metadata(embed_metadata(plain, {"old": 1}), {"new": 2})
    assert load_json(entries(twice)["speechlstm"]) == {"new": 2}
    others = {name: data for name, data in entries(twice).items() if name != "speechlstm"}
    assert others == entries(plain) != {}


@pytest.mark.slow
def test_finds_every_flipped_byte(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    good = embed_metadata(MODELS[0].read_bytes(), DESCRIPTION)
    for position in range(0, len(good), 7):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(BundleError, match=r"model\.tflite: .*damaged"):
            read_metadata(path)


@pytest.mark.parametrize("num_bytes", [0, 1, 31, 32, 33, 40, 4000])
def test_finds_a_cut(num_bytes: int, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(embed_metadata(MODELS[0].read_bytes(), DESCRIPTION)[:num_bytes])
    with pytest.raises(BundleError, match=r"model\.tflite: "):
        read_metadata(path)


def test_refuses_a_model_of_another_maker() -> None:
    with pytest.raises(BundleError, match=r"not a \.tflite file that speechlstm wrote"):
        read_metadata(MODELS[0])


def test_refuses_a_file_sealed_without_a_description(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    plain = MODELS[0].read_bytes()
    far = struct.pack("<I", 1 << 31)
    for content in (plain, b"", b"\0" * 8, far + b"TFL3", plain[:8], far + plain[4:]):
        path.write_bytes(content + hashlib.sha256(content).digest())
        with pytest.raises(BundleError, match="no description of the model inside"):
            read_metadata(path)


def test_bad_offsets_under_a_right_checksum_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    good = embed_metadata(MODELS[0].read_bytes(), DESCRIPTION)[:-32]
    start = good.index(b"speechlstm")
    for position in range(8, start + 20):
        content = good[:position] + b"\xff\xff\xff\x7f" + good[position + 4 :]
        path.write_bytes(content + hashlib.sha256(content).digest())
        try:
            assert read_metadata(path) == DESCRIPTION
        except BundleError as error:
            assert "model.tflite: has no description" in str(error)


@pytest.mark.parametrize("garbage", [b"", b"garbage", b"\xff" * 100, b"\xff\xff\xff\xffTFL3"])
def test_embeds_only_into_a_model(garbage: bytes) -> None:
    with pytest.raises(ValueError, match="not a TensorFlow Lite model"):
        embed_metadata(garbage, {})


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff",
        b"{",
        b'{"a": ' + b"[" * 100_000,
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}',
    ],
)
def test_refuses_json_that_is_no_plain_object(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_json(text)
