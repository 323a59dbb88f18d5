"""Uploads: multipart forms, read piece by piece into a temporary file, within limits."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect, Request

from speechlstm.server.errors import ApiError, shown_name
from speechlstm.server.settings import ServerSettings

_MAX_FIELD_BYTES = 1 << 16
_MAX_FIELDS = 100
_MAX_BOUNDARY_BYTES = 70  # RFC 2046
_MAX_OVERHEAD = 1 << 20  # bytes of a form apart from the file
_DRAINED_SECONDS = 2.0  # for a client to notice that it is refused while it sends


@dataclass
class Form:
    """What a client has sent.

    Attributes:
        name: Its name at the client, for messages.
    """

    path: Path
    name: str = "file"
    fields: dict[str, list[str]] = field(default_factory=dict)
    num_bytes: int = 0


@asynccontextmanager
async def received_form(
    request: Request, folder: Path, settings: ServerSettings
) -> AsyncIterator[Form]:
    """Receive a form. Its file is deleted at the end of the block.

    Args:
        request: Of the type multipart/form-data, with one file in the field `file`.
        folder: The file is written here, under a name that has nothing of the client's.

    Raises:
        ApiError: It is too large, too slow, or no such form; or there is no room for it.
    """
    _refuse_large(int(request.headers.get("content-length") or 0), settings)
    boundary = _boundary(request.headers.get("content-type"))
    path = folder / secrets.token_hex(16)
    form = Form(path)
    try:
        try:
            with path.open("wb") as file:
                parts = _Parts(boundary, form, file, settings)
                await _receive(request, parts, settings)
        except OSError as error:  # such as a full disk
            raise ApiError(
                507, f"the server cannot keep the upload: {error.strerror}; try again later"
            ) from None
        yield form
    finally:
        path.unlink(missing_ok=True)


async def drain(request: Request) -> None:
    """Read on for a moment, so that a client that still sends gets to read that it was refused."""
    try:
        async with asyncio.timeout(_DRAINED_SECONDS):
            async for _ in request.stream():
                pass
    except (TimeoutError, ClientDisconnect, RuntimeError):
        pass


async def _receive(request: Request, parts: "_Parts", settings: ServerSettings) -> None:
    stream = request.stream()
    deadline = asyncio.get_running_loop().time() + settings.upload_seconds
    try:
        async with asyncio.timeout_at(deadline):
            while True:
                async with asyncio.timeout(settings.idle_seconds):
                    chunk = await anext(stream, None)
                if chunk is None:
                    break
                parts.feed(chunk)
    except TimeoutError:
        raise ApiError(408, "the upload is too slow or has stopped; send it again") from None
    parts.finish()


def _boundary(content_type: str | None) -> bytes:
    """What stands between the parts of a form."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= _MAX_BOUNDARY_BYTES:
        raise ApiError(400, "send multipart/form-data, with the recording in the field file")
    return boundary


def _refuse_large(num_bytes: int, settings: ServerSettings) -> None:
    if num_bytes > settings.max_upload_bytes + _MAX_OVERHEAD:
        raise ApiError(
            413,
            f"the upload has more than {settings.max_upload_bytes / 1e6:g} MB, the limit of this "
            "server; compress the recording or cut it",
            param="file",
            code="too_large",
        )


class _Parts:
    """Writes the parts of a multipart form where they belong, as they come."""

    def __init__(
        self, boundary: bytes, form: Form, file: BinaryIO, settings: ServerSettings
    ) -> None:
        self._form, self._file, self._settings = form, file, settings
        self._header, self._disposition, self._value = bytearray(), bytearray(), bytearray()
        self._field: str | None = None  # None: in the file
        self._num_fields, self._is_whole, self._has_file = 0, False, False
        self._delimiter = b"\n--" + boundary
        self._preamble: bytes | None = b"\n"  # its end; None: the first part has come
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._add_header,
                "on_header_value": self._add_disposition,
                "on_header_end": self._header.clear,
                "on_headers_finished": self._name,
                "on_part_data": self._add_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the form."""
        self._form.num_bytes += len(chunk)
        _refuse_large(self._form.num_bytes, self._settings)
        try:
            self._parser.write(self._without_preamble(chunk))
        except FormParserError as error:
            raise ApiError(400, f"the form is not multipart/form-data: {error}") from None

    def _without_preamble(self, chunk: bytes) -> bytes:
        """The bytes from the first boundary on; RFC 2046 allows lines before it, to be ignored."""
        if self._preamble is None:
            return chunk
        before = self._preamble + chunk
        start = before.find(self._delimiter)
        if start < 0:
            self._preamble = before[-len(self._delimiter) :]
            return b""
        self._preamble = None
        return before[start + 1 :]

    def finish(self) -> None:
        """The form has ended."""
        if self._preamble is not None:
            raise ApiError(400, "the form is not multipart/form-data: its boundary is missing")
        if not self._is_whole:
            raise ApiError(400, "the form is cut off; send all of it")
        if not self._has_file:
            raise ApiError(400, "there is no recording; send it in the field file", "file")

    def _begin(self) -> None:
        self._num_fields += 1
        if self._num_fields > _MAX_FIELDS:
            raise ApiError(400, f"the form has more than {_MAX_FIELDS} fields")
        self._disposition.clear()
        self._value.clear()

    def _add_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _add_disposition(self, data: bytes, start: int, end: int) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition += data[start:end]

    def _name(self) -> None:
        _, options = parse_options_header(bytes(self._disposition))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        if not self._field:
            reason = 'no name; give one, as in Content-Disposition: form-data; name="file"'
            raise ApiError(400, f"a part of the form has {reason}")
        # Clients may leave out the name of a file, or give filename* alone, which is not read.
        if b"filename" not in options and self._field != "file":
            return
        if self._field != "file" or self._has_file:
            raise ApiError(400, "send one recording, in the field file", param="file")
        self._has_file = True
        self._form.name = shown_name(options.get(b"filename", b"").decode("utf-8", "replace"))
        self._field = None

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._file.write(data[start:end])
        elif len(self._value) + end - start > _MAX_FIELD_BYTES:
            raise ApiError(400, f"the field has more than {_MAX_FIELD_BYTES} bytes", self._field)
        else:
            self._value += data[start:end]

    def _end_part(self) -> None:
        if self._field is None:
            return
        try:
            value = self._value.decode("utf-8")
        except UnicodeDecodeError:
            raise ApiError(400, "the field is not UTF-8", self._field) from None
        self._form.fields.setdefault(self._field, []).append(value)

    def _end(self) -> None:
        self._is_whole = True
