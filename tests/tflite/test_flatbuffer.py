import struct

import pytest

from speechlstm.tflite.flatbuffer import FlatBuffer, Table


def file(*content: bytes) -> bytes:
    """A root table of one field at byte 12, behind its vtable; then content, from byte 20 on."""
    vtable = struct.pack("<HHH2x", 6, 8, 4)
    return struct.pack("<I4s", 16, b"TEST") + vtable + struct.pack("<i", 8) + b"".join(content)


def root(*content: bytes) -> Table:
    return FlatBuffer(file(*content), b"TEST").root()


def test_reads_what_was_written() -> None:
    assert root(struct.pack("<f", 1.5)).number(0, "f") == 1.5
    assert root(struct.pack("<IIii", 4, 2, -1, 7)).numbers(0, "i") == (-1, 7)
    assert root(struct.pack("<II2sx", 4, 2, b"hi")).text(0) == "hi"
    assert root(struct.pack("<f", 1.5)).number(1, "i", default=3) == 3


def test_refuses_a_file_of_another_kind() -> None:
    with pytest.raises(ValueError, match="no OTHR at byte 4"):
        FlatBuffer(file(), b"OTHR")


@pytest.mark.parametrize("offset", [1, 2, 1 << 31, (1 << 32) - 4, 10_000])
def test_refuses_what_lies_outside(offset: int) -> None:
    for read in (
        lambda table: table.numbers(0, "i"),
        lambda table: table.text(0),
        lambda table: table.table(0),
        lambda table: table.tables(0),
    ):
        with pytest.raises(ValueError, match=r"^damaged: "):
            read(root(struct.pack("<Iii", offset, -1, -1)))


def test_refuses_a_vector_longer_than_the_file() -> None:
    with pytest.raises(ValueError, match=r"^damaged: the vector at byte 24"):
        root(struct.pack("<III", 4, 3, 0)).numbers(0, "i")


def test_refuses_a_text_without_end() -> None:
    with pytest.raises(ValueError, match=r"^damaged: the string at byte 28"):
        root(struct.pack("<II2s", 4, 2, b"hi")).text(0)


def test_a_small_file_is_not_endless() -> None:
    """A vector of tables that all are the same one, read once for each of them."""
    leaf = struct.pack("<HHi", 4, 4, 4)  # its vtable, then the table
    size = 1000
    offsets = [4 + 4 * (size - k) for k in range(size)]
    table = root(struct.pack(f"<II{size}I", 4, size, *offsets), leaf)
    assert len(table.tables(0)) == size
    with pytest.raises(ValueError, match="refers to the same bytes too often"):
        for _ in range(size):
            table.tables(0)
