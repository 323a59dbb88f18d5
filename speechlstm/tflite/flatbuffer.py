"""FlatBuffers that nobody has checked: whatever is read lies within the file, or is refused.

The flatbuffers package follows any offset it finds, and so does LiteRT, which crashes on a damaged
one. A read here checks what the verifier of FlatBuffers' C++ library does (flatbuffers/verifier.h):
tables, their vtables, vectors and strings are aligned and lie within the file. Fields are known by
their number in TensorFlow Lite's schema.fbs. LiteRT's own schema in Python is not used: it checks
nothing, and to import it takes twice as long as to check the model that comes with the package.
"""

import struct
from typing import Any

_VTABLE = struct.Struct("<HH")  # the head of one
_SCALARS = {kind: struct.Struct(f"<{kind}") for kind in "?bBiIfqQ"}
_TABLE_BYTES = 8  # at least, with the offset that names it


class FlatBuffer:
    """A file.

    Args:
        data: Its content.
        identifier: What it has at byte 4.

    Attributes:
        data: As given.

    Raises:
        ValueError: It is of another kind.
    """

    def __init__(self, data: bytes, identifier: bytes) -> None:
        if data[4:8] != identifier:
            raise ValueError(f"no {identifier.decode()} at byte 4")
        self.data = data
        # Offsets that name the same few bytes again and again would make a small file endless.
        self._bytes_left = 4 * len(data)
        self._vtables: dict[int, tuple[int, tuple[int, ...]]] = {}

    def root(self) -> "Table":
        """The table that all others hang from.

        Raises:
            ValueError: It does not lie within the file.
        """
        return Table(self, self.number("I", 0))

    def number(self, kind: str, position: int) -> Any:
        """A number or truth value somewhere in the file; its kind as the struct module has it."""
        scalar = _SCALARS[kind]
        if position % scalar.size or not 0 <= position <= len(self.data) - scalar.size:
            raise ValueError(f"damaged: byte {position} is named as a number's")
        return scalar.unpack_from(self.data, position)[0]

    def vtable(self, position: int) -> tuple[int, tuple[int, ...]]:
        """The size of the tables that share a vtable, and where in them each field is, or 0."""
        if position not in self._vtables:  # most tables of a kind share one
            self._vtables[position] = self._read_vtable(position)
        return self._vtables[position]

    def _read_vtable(self, position: int) -> tuple[int, tuple[int, ...]]:
        if position % 2 or not 0 <= position <= len(self.data) - _VTABLE.size:
            raise ValueError(f"damaged: byte {position} is named as a vtable's")
        num_bytes, size = _VTABLE.unpack_from(self.data, position)
        num_fields, odd = divmod(num_bytes - _VTABLE.size, 2)
        if odd or num_fields < 0 or position + num_bytes > len(self.data):
            raise ValueError(f"damaged: the vtable at byte {position}")
        offsets = struct.unpack_from(f"<{num_fields}H", self.data, position + _VTABLE.size)
        if any(offset and not 4 <= offset < size for offset in offsets):
            raise ValueError(f"damaged: the vtable at byte {position}")
        return size, offsets

    def spend(self, num_bytes: int) -> None:
        """Count bytes that are read; no file names its bytes more often than a few times."""
        self._bytes_left -= num_bytes
        if self._bytes_left < 0:
            raise ValueError("damaged: says more than there is room for")


class Table:
    """A table in a file, with numbered fields, any of which may be missing.

    Args:
        file: The file.
        position: Where in it the table begins.

    Attributes:
        position: As given.
        num_fields: Fields from this number on are missing.

    Raises:
        ValueError: The table does not lie within the file; so for all methods.
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
        """Whether a field is there."""
        return field < self.num_fields and bool(self._fields[field])

    def number(self, field: int, kind: str, default: Any = 0) -> Any:
        """A number or truth value; its kind as the struct module has it."""
        if not self.has(field):
            return default
        return self._file.number(kind, self._place(field, _SCALARS[kind].size))

    def table(self, field: int) -> "Table | None":
        """The table that a field names; None: the field is missing."""
        return Table(self._file, self.target(field)) if self.has(field) else None

    def tables(self, field: int) -> list["Table"]:
        """A vector of tables; empty where it is missing."""
        start, num_tables = self.vector(field, 4)
        offsets = struct.unpack_from(f"<{num_tables}I", self._file.data, start)
        return [Table(self._file, start + 4 * k + offset) for k, offset in enumerate(offsets)]

    def numbers(self, field: int, kind: str) -> tuple[Any, ...]:
        """A vector of numbers; empty where it is missing."""
        start, length = self.vector(field, _SCALARS[kind].size)
        return struct.unpack_from(f"<{length}{kind}", self._file.data, start)

    def text(self, field: int) -> str:
        """A string; empty where it is missing."""
        start, length = self.vector(field, 1)
        data = self._file.data
        if self.has(field) and data[start + length : start + length + 1] != b"\0":
            raise ValueError(f"damaged: the text at byte {start} has no end")
        return data[start : start + length].decode(errors="replace")

    def vector(self, field: int, item_bytes: int) -> tuple[int, int]:
        """Where in the file the items of a vector begin, and how many there are."""
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
        """Where in the file that begins which a field names."""
        place = self._place(field, 4)
        return place + int(self._file.number("I", place))

    def _place(self, field: int, size: int) -> int:
        offset = self._fields[field]
        if offset + size > self._size:
            raise ValueError(f"damaged: field {field} of the table at byte {self.position}")
        return self.position + offset
