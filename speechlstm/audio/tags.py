"""Tags before and after the audio of a file: ID3, APE and Lyrics3.

Sources: the ID3 documents (id3.org), the APEv2 specification (wiki.hydrogenaud.io), Lyrics3 v2.00.
"""

from collections.abc import Callable

_ID3V1_BYTES = 128
_APE_BYTES = 32  # of the header, and of the footer
_LYRICS_BYTES = 1 << 17  # searched for the end
_LEAST_UNREAD = 1 << 10

Read = Callable[[int, int], bytes]  # (position, number of bytes) -> bytes, as Source.read


def after_tags(read: Read, position: int, size: int) -> int:
    """The position after the tags that begin at a position, in a file of some size.

    >>> after_tags(lambda position, num_bytes: b"TAG"[position:], 0, 1000)
    128
    """
    while num_bytes := _tag_bytes(read, position):
        position = min(position + num_bytes, size)
    return position


def before_tags(read: Read, size: int) -> int:
    """The position at which the tags at the end of a file begin; its size if there are none."""
    end = size
    if end > _ID3V1_BYTES and read(end - _ID3V1_BYTES, 3) == b"TAG":
        end -= _ID3V1_BYTES
    footer = read(end - _APE_BYTES, _APE_BYTES) if end > _APE_BYTES else b""
    if footer.startswith(b"APETAGEX"):
        has_header = footer[23] & 0x80
        num_bytes = int.from_bytes(footer[12:16], "little") + (_APE_BYTES if has_header else 0)
        end -= num_bytes if num_bytes < end else 0
    return end


def num_unread(read: Read, position: int, size: int) -> int:
    """The bytes after a recording that are not tags or padding, if they are more than a few."""
    position = after_tags(read, position, size)
    num_bytes = size - position
    return num_bytes if num_bytes >= _LEAST_UNREAD and any(read(position, 1 << 12)) else 0


def _tag_bytes(read: Read, position: int) -> int:
    start = read(position, 32)
    if start[:3] == b"ID3" and len(start) >= 10 and not any(b & 0x80 for b in start[6:10]):
        size = start[6] << 21 | start[7] << 14 | start[8] << 7 | start[9]
        return 10 + size + (10 if start[5] & 0x10 else 0)
    if start[:3] == b"TAG":
        return 227 if start[:4] == b"TAG+" else _ID3V1_BYTES
    if start[:8] == b"APETAGEX" and len(start) == _APE_BYTES:
        size = int.from_bytes(start[12:16], "little")  # without the header
        is_header = start[23] & 0x20
        return _APE_BYTES + size if is_header else _APE_BYTES
    if start[:11] == b"LYRICSBEGIN":
        end = read(position, _LYRICS_BYTES).find(b"LYRICS200")
        return end + 9 if end > 0 else 0
    return 0
