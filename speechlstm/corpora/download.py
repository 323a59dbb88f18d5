"""Downloads corpora that may be passed on freely, and resumes what was interrupted."""

import hashlib
import http.client
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from speechlstm.errors import DataError

_TIMEOUT_SECONDS = 60.0
_ATTEMPTS = 5  # in a row that bring nothing new
_WAIT_SECONDS = 2.0  # between them, times their number
_CHUNK_BYTES = 1 << 20
_PARTIAL, _COMPLETE, _NOT_SATISFIABLE = 206, 200, 416


@dataclass(frozen=True)
class Archive:
    """An archive that can be downloaded.

    Attributes:
        sha256: Its SHA-256, in hexadecimal digits.
        licence: Under which it may be used.
    """

    url: str
    sha256: str
    licence: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.url.rpartition("/")[2]


def _librispeech(**checksums: str) -> dict[str, Archive]:
    address = "https://www.openslr.org/resources/12"
    return {
        name.replace("_", "-"): Archive(
            f"{address}/{name.replace('_', '-')}.tar.gz", checksum, "CC BY 4.0"
        )
        for name, checksum in checksums.items()
    }


# By kind and part. The checksums are those that torchaudio publishes in its module `datasets`.
# Corpora without a published SHA-256 (AN4, FSDD) or whose licence has to be accepted in a browser
# (Common Voice) are not here.
ARCHIVES: dict[str, dict[str, Archive]] = {
    "librispeech": _librispeech(
        dev_clean="76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
        dev_other="12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
        test_clean="39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
        test_other="d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
        train_clean_100="d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
        train_clean_360="146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
        train_other_500="ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
    ),
    "ljspeech": {
        "1.1": Archive(
            "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2",
            "be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5",
            "public domain",
        )
    },
    "speech-commands": {
        "0.01": Archive(
            "https://storage.googleapis.com/download.tensorflow.org/data/"
            "speech_commands_v0.01.tar.gz",
            "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
            "CC BY 4.0",
        ),
        "0.02": Archive(
            "https://storage.googleapis.com/download.tensorflow.org/data/"
            "speech_commands_v0.02.tar.gz",
            "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
            "CC BY 4.0",
        ),
    },
}


def archive_of(kind: str, part: str) -> Archive:
    """The archive with a part of a corpus.

    >>> archive_of("librispeech", "dev-clean").name
    'dev-clean.tar.gz'

    Raises:
        DataError: There is none.
    """
    if kind not in ARCHIVES:
        raise DataError(f"{kind}: cannot be downloaded; only {', '.join(ARCHIVES)} can")
    if part not in ARCHIVES[kind]:
        raise DataError(f"{kind}: has no {part} to download; it has {', '.join(ARCHIVES[kind])}")
    return ARCHIVES[kind][part]


def download(archive: Archive, folder: Path, progress: bool = False) -> Path:
    """Download an archive into a folder, unless it is there.

    What has been downloaded when it is interrupted is kept as NAME.part, and the next call goes on
    from there, if the server can; if it cannot, it begins again.

    Args:
        folder: An existing folder.

    Returns:
        The file, whose SHA-256 is right.

    Raises:
        DataError: The server cannot be reached or fails repeatedly, the disk is full, or the
            SHA-256 is wrong.
    """
    path = folder / archive.name
    part = path.with_name(f"{path.name}.part")
    if not path.exists():
        bar = tqdm(desc=archive.name, unit="B", unit_scale=True, disable=None if progress else True)
        with bar:
            _fetch(archive.url, part, bar)
        _check(archive, part)
        part.replace(path)
    else:
        _check(archive, path)
    return path


def _check(archive: Archive, path: Path) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found == archive.sha256:
        return
    if path.suffix == ".part":
        path.unlink()
    wanted = f"its SHA-256 is {found}, must be {archive.sha256}"
    raise DataError(f"{path}: is not what {archive.url} should be: {wanted}; download it again")


def _fetch(url: str, part: Path, bar: Any) -> None:
    """Append to a file until it is all that the server has."""
    failures, known = 0, -1
    while True:
        size = part.stat().st_size if part.exists() else 0
        failures = failures if size <= known else 0
        known = max(known, size)
        try:
            if _append(url, part, size, bar):
                return
            reason = "the connection was closed"
        except urllib.error.HTTPError as error:
            raise DataError(f"{url}: the server says {error.code} {error.reason}") from None
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            reason = str(getattr(error, "reason", None) or error) or type(error).__name__
        failures += 1
        if failures >= _ATTEMPTS:
            size = part.stat().st_size if part.exists() else 0
            goes_on = f"{size} bytes are kept in {part}; the same command goes on from there"
            raise DataError(f"{url}: {reason}; {goes_on}")
        time.sleep(failures * _WAIT_SECONDS)


def _append(url: str, part: Path, size: int, bar: Any) -> bool:
    """Download what is missing; whether that is now all."""
    request = urllib.request.Request(url, headers={"User-Agent": "speechlstm"})
    if size:
        request.add_header("Range", f"bytes={size}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()  # it is a response, too, with a connection
        if error.code != _NOT_SATISFIABLE or not size:
            raise
        if error.headers.get("Content-Range", "").rpartition("/")[2] == str(size):
            return True
        part.unlink()  # longer than the file, so it is of another one
        return False
    with response:
        goes_on = response.status == _PARTIAL and response.headers.get(
            "Content-Range", ""
        ).startswith(f"bytes {size}-")
        if response.status not in (_COMPLETE, _PARTIAL) or (
            response.status == _PARTIAL and not goes_on
        ):
            raise DataError(f"{url}: the server sends another part than was asked for")
        start = size if goes_on else 0
        length = response.headers.get("Content-Length")
        total = start + int(length) if length else None
        bar.total, bar.n = total, start
        received = _write(response, part, start, total, bar)
    return total is None or received >= total


def _write(response: Any, part: Path, start: int, total: int | None, bar: Any) -> int:
    """Write a response to a file from a position; the size that the file has then."""
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        needed = f"{total - start} bytes are missing, {free} are free"
        raise DataError(f"{part.parent}: the disk has too little space: {needed}")
    try:
        with part.open("ab" if start else "wb") as file:
            size = start
            while chunk := _received(response):
                file.write(chunk)
                size += len(chunk)
                bar.update(len(chunk))
    except ConnectionError:
        raise
    except OSError as error:
        reason = f"cannot be written: {error.strerror}; the same command goes on from there"
        raise DataError(f"{part}: {reason}") from None
    return size


def _received(response: Any) -> bytes:
    """The next bytes of a response.

    Raises:
        ConnectionError: They do not come. TLS and a network that is gone raise other OSErrors.
    """
    try:
        chunk: bytes = response.read(_CHUNK_BYTES)
    except OSError as error:
        raise ConnectionError(error.strerror or f"{error}") from error
    return chunk
