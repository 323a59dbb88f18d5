"""Errors as clients of the server see them: OpenAI's JSON object, with the command line's words."""

from collections.abc import Mapping
from typing import Any

from speechlstm.errors import ConfigError, DataError, SpeechLSTMError, printable
from speechlstm.server.requests import TooLongError

MAX_NAME = 120  # characters of a file name in messages

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ApiError(SpeechLSTMError):
    """A request that is refused or has failed.

    Args:
        message: One line: what is wrong, and what to do.
        param: The field of the request that is wrong; None: no single one.
        code: A word that programs can test; None: none.
    """

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.param, self.code = status, param, code
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of the response."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {
            "error": {
                "message": str(self),
                "type": _TYPES.get(self.status, kind),
                "param": self.param,
                "code": self.code,
            }
        }


def as_api_error(error: SpeechLSTMError, param: str | None = None) -> ApiError:
    """The error of a worker process, which worked on what a client has sent.

    Args:
        error: An ApiError stays as it is.
        param: The field of the request that is wrong, if the request is.
    """
    if isinstance(error, ApiError):
        return error
    if isinstance(error, TooLongError):
        return ApiError(413, str(error), param, "too_long")
    is_of_client = isinstance(error, ConfigError | DataError)
    return ApiError(400, str(error), param) if is_of_client else ApiError(500, str(error))


def shown_name(name: str) -> str:
    r"""The last part of a file name that a client gives, for messages.

    >>> shown_name("C:\\music\\a.mp3"), shown_name("../../etc/passwd"), shown_name("")
    ('a.mp3', 'passwd', 'file')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    return printable(last)[-MAX_NAME:] or "file"
