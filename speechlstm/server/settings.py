"""Settings of the server."""

from dataclasses import dataclass
from typing import ClassVar

from speechlstm.config import Config
from speechlstm.errors import quoted


@dataclass(frozen=True)
class ServerSettings(Config):
    """Settings of the server.

    >>> ServerSettings(port=9000).address
    '127.0.0.1:9000'

    Attributes:
        port: The port to listen on; 0: one that is free.
        jobs: The number of processes that transcribe recordings, each one at a time, and of those
            that transcribe live streams.
        max_waiting: Recordings that may wait for a process; the next one is refused.
        max_upload_bytes: Of a recording, as it is sent.
        max_audio_seconds: Of a recording or a stream.
        timeout_seconds: A recording must be transcribed within this time, which includes waiting.
        idle_seconds: A client that sends or takes nothing for this time is dismissed.
        upload_seconds: A request must have been sent whole within this time.
        token: What clients must give to be served; "": nothing.
        allowed_origins: Other web sites whose pages may use the server, such as
            "https://example.org"; "*": all.
    """

    section: ClassVar[str] = "serve"

    host: str = "127.0.0.1"
    port: int = 8080
    jobs: int = 1
    max_waiting: int = 32
    max_streams: int = 16
    max_connections: int = 256
    max_upload_bytes: int = 500_000_000
    max_audio_seconds: float = 4 * 3600.0
    timeout_seconds: float = 1800.0
    idle_seconds: float = 30.0
    upload_seconds: float = 900.0
    token: str = ""
    allowed_origins: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """Host and port, as in a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def _check(self) -> None:
        self._at_least(0, "port", "max_waiting")
        self._at_least(1, "jobs", "max_streams", "max_connections", "max_upload_bytes")
        self._above_zero("max_audio_seconds", "timeout_seconds", "idle_seconds", "upload_seconds")
        if self.port > 65_535:
            self._refuse("port", f"must be at most 65535, is {self.port}")
        for origin in self.allowed_origins:
            if origin != "*" and not origin.startswith(("http://", "https://")):
                self._refuse(
                    "allowed_origins",
                    f'a site begins with http:// or https://, or is "*"; is {quoted(origin)}',
                )
        # Header fields and subprotocols are ASCII, without spaces.
        if self.token and not (self.token.isascii() and self.token.isprintable()):
            self._refuse("token", "must be of ASCII characters")
        if " " in self.token:
            self._refuse("token", "must not have spaces")
