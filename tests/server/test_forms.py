import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from speechlstm.server.errors import ApiError
from speechlstm.server.forms import received_form
from speechlstm.server.settings import ServerSettings

FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    + b"content" * 1000
    + b"\r\n--x--\r\n"
)


def received(folder: Path, form: bytes = FORM, cut: int = 500) -> bytes:
    """The content of the file of the form, which comes in two pieces."""
    pieces = [form[:cut], form[cut:]]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def content() -> bytes:
        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        request = Request({"type": "http", "headers": headers}, receive)
        async with received_form(request, folder, ServerSettings()) as form:
            return form.path.read_bytes()

    return asyncio.run(content())


def test_a_file_is_there_until_the_request_ends(tmp_path: Path) -> None:
    assert received(tmp_path) == b"content" * 1000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "preamble", [b"\r\n", b"This is a form.\r\n", b"--no--y\n\n", b"-\r\n-\r\n"]
)
def test_lines_before_the_first_boundary_are_ignored(preamble: bytes, tmp_path: Path) -> None:
    """RFC 2046, 5.1.1; wherever the pieces end."""
    for cut in range(len(preamble) + 8):
        assert received(tmp_path, preamble + FORM, cut) == b"content" * 1000


@pytest.mark.parametrize("form", [b"", b"no form", b"--y\r\n\r\n--y--\r\n"])
def test_what_has_no_boundary_is_no_form(form: bytes, tmp_path: Path) -> None:
    with pytest.raises(ApiError, match="its boundary is missing") as caught:
        received(tmp_path, form, 3)
    assert caught.value.status == 400


def test_an_upload_that_cannot_be_kept_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ApiError, match="cannot keep the upload: No such file") as caught:
        received(tmp_path / "missing")
    assert (caught.value.status, caught.value.body["error"]["type"]) == (507, "server_error")

    class Full:
        """A file on a disk that is full."""

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def write(self, data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda *arguments: Full())
    with pytest.raises(ApiError, match="No space left on device; try again later"):
        received(tmp_path)
