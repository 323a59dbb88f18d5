"""Reads untrusted FlatBuffers: every access is checked to lie within the file.

The flatbuffers package follows any offset that it finds, and so does LiteRT, which crashes on a
damaged one. Each access here checks what the verifier of the C++ library checks
(flatbuffers/verifier.h): that tables, their vtables, vectors and strings are aligned and lie within
the file. Fields are identified by their numbers in TensorFlow Lite's schema.fbs. LiteRT's Python
schema is not used, because it checks nothing, and because importing it takes twice as long as
checking the model in this package.
"""

import struct
from typing import Any

_VTABLE = struct.Struct("<HH")  # the header of a vtable
_SCALARS = {kind: struct.Struct(f"<{kind}") for kind in "?bBiIfqQ"}
_TABLE_BYTES = 8  # at least, with the offset that refers to it


class FlatBuffer:
    """The content of a file.

    Args:
        identifier: The file identifier, expected at byte 4.

    Raises:
        ValueError: The file has another identifier.
    """

    def __init__(self, data: bytes, identifier: bytes) -> None:
        if data[4:8] != identifier:
            raise ValueError(f"no {identifier.decode()} at byte 4")
        self.data = data
        # A small file could refer to the same bytes so often that reading it would never end.
        self._bytes_left = 4 * len(data)
        self._vtables: dict[int, tuple[int, tuple[int, ...]]] = {}

    def root(self) -> "Table":
        """The root table.

        Raises:
            ValueError: It does not lie within the file.
        """
        return Table(self, self.number("I", 0))

    def number(self, kind: str, position: int) -> Any:
        """The number or bool at a position; kind is its format character in the struct module."""
        scalar = _SCALARS[kind]
        if position % scalar.size or not 0 <= position <= len(self.data) - scalar.size:
            raise ValueError(f"damaged: no number can be at byte {position}")
        return scalar.unpack_from(self.data, position)[0]

    def vtable(self, position: int) -> tuple[int, tuple[int, ...]]:
        """The size of the tables with this vtable, and the offsets of their fields (0: missing)."""
        if position not in self._vtables:  # most tables of one type share a vtable
            self._vtables[position] = self._read_vtable(position)
        return self._vtables[position]

    def _read_vtable(self, position: int) -> tuple[int, tuple[int, ...]]:
        if position % 2 or not 0 <= position <= len(self.data) - _VTABLE.size:
            raise ValueError(f"damaged: no vtable can be at byte {position}")
        num_bytes, size = _VTABLE.unpack_from(self.data, position)
        num_fields, odd = divmod(num_bytes - _VTABLE.size, 2)
        if odd or num_fields < 0 or position + num_bytes > len(self.data):
            raise ValueError(f"damaged: the vtable at byte {position}")
        offsets = struct.unpack_from(f"<{num_fields}H", self.data, position + _VTABLE.size)
        if any(offset and not 4 <= offset < size for offset in offsets):
            raise ValueError(f"damaged: the vtable at byte {position}")
        return size, offsets

    def spend(self, num_bytes: int) -> None:
        """Count bytes that are read, to refuse files that refer to the same bytes too often."""
        self._bytes_left -= num_bytes
        if self._bytes_left < 0:
            raise ValueError("damaged: refers to the same bytes too often")


class Table:
    """A table, with numbered fields, any of which may be missing.

    All methods raise ValueError if what they read does not lie within the file.

    Attributes:
        num_fields: The number of fields in the vtable; later fields are missing.

    Raises:
        ValueError: The table does not lie within the file.
    """

    __slots__ = ("_fields", "_file", "_size", "num_fields", "position")

    def __init__(self, file: FlatBuffer, position: int) -> None:
        file.spend(_TABLE_BYTES)
        self._file, self.position = file, position
        self._size, self._fields = file.vtable(position - file.number("i", position))
        self.num_fields = len(self._fields)
        if position + self._size > len(file.data):
            raise ValueError(f"damaged: the table at byte {position}")

    def has(self, field: int) -> bool:
        """Whether a field is present."""
        return field < self.num_fields and bool(self._fields[field])

    def number(self, field: int, kind: str, default: Any = 0) -> Any:
        """A number or bool; kind is its format character in the struct module."""
        if not self.has(field):
            return default
        return self._file.number(kind, self._place(field, _SCALARS[kind].size))

    def table(self, field: int) -> "Table | None":
        """The table in a field; None if the field is missing."""
        return Table(self._file, self.target(field)) if self.has(field) else None

    def tables(self, field: int) -> list["Table"]:
        """The vector of tables in a field; empty if the field is missing."""
        start, num_tables = self.vector(field, 4)
        offsets = struct.unpack_from(f"<{num_tables}I", self._file.data, start)
        return [Table(self._file, start + 4 * k + offset) for k, offset in enumerate(offsets)]

    def numbers(self, field: int, kind: str) -> tuple[Any, ...]:
        """The vector of numbers in a field; empty if the field is missing."""
        start, length = self.vector(field, _SCALARS[kind].size)
        return struct.unpack_from(f"<{length}{kind}", self._file.data, start)

    def text(self, field: int) -> str:
        """The string in a field; empty if the field is missing."""
        start, length = self.vector(field, 1)
        data = self._file.data
        if self.has(field) and data[start + length : start + length + 1] != b"\0":
            raise ValueError(f"damaged: the string at byte {start} is not terminated")
        return data[start : start + length].decode(errors="replace")

    def vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        """The position of a vector's items in the file, and their number."""
        if not self.has(field):
            return 0, 0
        position = self.target(field)
        length = self._file.number("I", position)
        start, num_bytes = position + 4, item_bytes * length
        if start % item_bytes or start + num_bytes > len(self._file.data):
            raise ValueError(f"damaged: the vector at byte {position}")
        self._file.spend(num_bytes)
        return start, length

    def target(self, field: int) -> int:
        """The position in the file that the offset in a field refers to."""
        place = self._place(field, 4)
        return place + int(self._file.number("I", place))

    def _place(self, field: int, size: int) -> int:
        offset = self._fields[field]
        if offset + size > self._size:
            raise ValueError(f"damaged: field {field} of the table at byte {self.position}")
        return self.position + offset
