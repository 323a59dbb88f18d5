import io
import json
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from speechlstm.errors import ModelError
from speechlstm.training.engine.checkpoint import load_checkpoint, load_state, save_checkpoint

STATE = {"epoch": 3, "history": [{"loss": 0.1 + 0.2}], "ids": ["größe"]}


def new_variables(value: float) -> dict[str, list[Any]]:
    return {
        "model": [keras.Variable(np.full((2, 3), value, np.float32), name="kernel")],
        "optimizer": [keras.Variable(int(value), dtype="int32"), keras.Variable([value, 0.1])],
    }


def values(groups: dict[str, list[Any]]) -> list[list[float]]:
    return [v.numpy().ravel().tolist() for variables in groups.values() for v in variables]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "checkpoint.npz", new_variables(7), STATE)
    return tmp_path / "checkpoint.npz"


def test_what_is_saved_loads(path: Path) -> None:
    groups = new_variables(1)
    assert load_checkpoint(path, groups) == STATE
    assert values(groups) == values(new_variables(7))


def test_is_read_with_numpy_alone(path: Path) -> None:
    with np.load(path) as file:
        assert sorted(file) == ["model/0", "optimizer/0", "optimizer/1", "state"]
        assert json.loads(str(file["state"])) == STATE


def refusal(path: Path, groups: dict[str, list[Any]] | None = None) -> str:
    """The error of a checkpoint, after which every variable is what it was."""
    groups = groups or new_variables(1)
    before = values(groups)
    with pytest.raises(ModelError) as caught:
        load_checkpoint(path, groups)
    assert values(groups) == before
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.npz") == "cannot be read: No such file or directory"
    assert refusal(tmp_path) == "cannot be read: Is a directory"


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x93NUMPY", b"PK\x03\x04" + bytes(99)])
def test_garbage_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refusal(path).startswith("damaged checkpoint; ")


def test_another_file_of_numpy_is_refused(path: Path) -> None:
    np.save(path.with_suffix(".npy"), np.zeros(3))
    path.with_suffix(".npy").rename(path)
    assert refusal(path).startswith("damaged checkpoint; ")


@pytest.mark.parametrize("shape", [(10**12,), (10**6, 10**6, 10**6), (1 << 62, 1 << 62)])
def test_a_claim_of_more_than_there_is_is_refused(path: Path, shape: tuple[int, ...]) -> None:
    header = io.BytesIO()
    description = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, description)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("state.npy", npy(np.array("null")))
        archive.writestr("model/0.npy", header.getvalue() + bytes(100))
    assert refusal(path).startswith("damaged checkpoint; ")


@pytest.mark.slow
def test_an_archive_that_unpacks_to_more_is_refused(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.npy", npy(np.array("null")))
        archive.writestr("model/0.npy", npy(np.zeros(10_000_000)))
    assert refusal(path).startswith("damaged checkpoint; ")


@pytest.mark.parametrize(
    "header", [b"{'descr': '<f4', ", b"{'descr': (((", b"'''", b"  1L\n 2L", b"\xff", b"lambda: 1L"]
)
def test_a_header_that_is_none_is_refused(path: Path, header: bytes) -> None:
    whole = npy(np.zeros(3))
    length = int.from_bytes(whole[8:10], "little")
    for content in (whole[:10] + header.ljust(length) + whole[10 + length :], b"no array"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("state.npy", npy(np.array("null")))
            archive.writestr("model/0.npy", content)
        assert refusal(path).startswith("damaged checkpoint; ")


@pytest.mark.parametrize("state", ["[" * 100_000, "9" * 5000, '"\\ud800"'])
def test_a_state_that_is_no_json_is_refused(path: Path, state: str) -> None:
    with np.load(path) as file:
        arrays = dict(file) | {"state": np.array(state)}
    np.savez(path, **arrays)
    assert refusal(path).startswith("damaged checkpoint; ")


def test_texts_are_no_weights(path: Path) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    arrays["model/0"] = arrays["model/0"].astype("U8")
    np.savez(path, **arrays)
    assert refusal(path).startswith("damaged checkpoint: kernel does not hold numbers")


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.slow
def test_a_truncated_file_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for size in range(0, len(content), 31):
        path.write_bytes(content[:size])
        refusal(path)


@pytest.mark.slow
def test_a_flipped_bit_is_refused_or_harmless(path: Path) -> None:
    content, groups, refused = path.read_bytes(), new_variables(1), 0
    directory = content.rindex(b"PK\x01\x02")
    positions = [*range(0, 8 * directory, 101), *range(8 * directory, 8 * len(content), 11)]
    for position in positions:
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            state = load_checkpoint(path, groups)  # a date in the archive, say
        except ModelError:
            refused += 1
            assert values(groups) == values(new_variables(1))
        else:
            assert (state, values(groups)) == (STATE, values(new_variables(7)))
            groups = new_variables(1)
    assert refused > len(positions) / 2


@pytest.mark.parametrize("dtype", ["<f2", "<i2"])
def test_an_array_that_claims_to_be_shorter_is_refused(dtype: str, path: Path) -> None:
    """The end of its entry, with it the checksum, would not be read."""
    content = path.read_bytes()
    place = content.index(b"model/0.npy")
    changed = content[place:].replace(b"<f4", dtype.encode(), 1)
    path.write_bytes(content[:place] + changed)
    assert refusal(path).startswith("damaged checkpoint; ")


def test_the_state_alone_is_read_and_verified(path: Path) -> None:
    assert load_state(path) == STATE
    content = path.read_bytes()
    place = content.index(b"h\0\0\0i\0\0\0s\0\0\0t\0\0\0")  # of "history"
    path.write_bytes(content[:place] + b"i" + content[place + 1 :])
    with pytest.raises(ModelError, match=r"checkpoint\.npz: damaged checkpoint"):
        load_state(path)


def test_another_models_checkpoint_is_refused(path: Path) -> None:
    other = new_variables(1)
    other["model"] = [keras.Variable(np.zeros((3, 2), np.float32), name="kernel")]
    assert refusal(path, other) == (
        "of another network: kernel has the shape (2, 3), expected (3, 2); "
        "use the settings the run was made with"
    )
    more = new_variables(1)
    more["model"].append(keras.Variable(0.0, name="bias"))
    assert refusal(path, more).startswith("of another network: bias is missing, expected ()")
    fewer = {"model": new_variables(1)["model"]}
    assert refusal(path, fewer).startswith("of another network, which has 2 more arrays")


@pytest.mark.parametrize(
    ("shape", "descr"),
    [
        ("(1000000000000,)", "<f4"),
        ("(1000000, 1000000)", "<f8"),
        ("(3, -1)", "<f4"),
        ("(2, 3)", "<U9"),
        ("(" * 5000, "<f4"),
        ("(2, 3)", "|O"),
        ("(999999999999999999999999,)", "<i4"),
    ],
)
def test_what_a_header_claims_is_checked_before_memory_is_asked_for(
    shape: str, descr: str, path: Path
) -> None:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    with np.load(path) as file:
        arrays = {key: value for key, value in file.items() if key != "model/0"}
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        magic = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
        archive.writestr("model/0.npy", magic + header + bytes(24))
    tracemalloc.start()
    assert refusal(path).startswith("damaged checkpoint; ")
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()


def test_a_compressed_file_is_refused(path: Path) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    np.savez_compressed(path, **arrays)
    assert refusal(path).startswith("damaged checkpoint; ")


def test_a_failed_write_leaves_the_old_checkpoint(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, new_variables(8), {"epoch": 4})
    groups = new_variables(1)
    assert load_checkpoint(path, groups) == STATE
    assert values(groups) == values(new_variables(7))
    assert list(path.parent.iterdir()) == [path]
