r"""ARPA files, the common text format of n-gram models.

The file begins with `\data\` and a line `ngram 1=4` for each order. For each order follow
`\1-grams:` and its n-grams, one a line: log10 of the probability, a tab, the words and, except at
the highest order, a tab and log10 of the back-off weight. It ends with `\end\`.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from speechlstm.errors import LanguageModelError
from speechlstm.lm.ngram.identify import HEAD_BYTES, identify_binary
from speechlstm.lm.ngram.table import (
    MAX_ORDER,
    SENTENCE_END,
    SENTENCE_START,
    UNKNOWN,
    NGrams,
    NGramTable,
)
from speechlstm.lm.textfile import COMPRESSION_ERRORS, open_text, write_text
from speechlstm.storage import refuse_pipes, utf8_lines

_MISSING_UNKNOWN = -100.0  # log10 probability of <unk> if a file lacks it, as in KenLM
_LOWEST = -1000.0  # lower log10 probabilities are errors
_MAX_PREAMBLE = 1000  # lines before \data\; some tools write comments there
# IRSTLM's own formats look alike, but their numbers are others.
_IRSTLM = (b"iARPA", b"qARPA")
_COUNT = re.compile(rb"ngram\s+(\d{1,2})\s*=\s*(\d{1,12})")


def is_arpa(path: Path) -> bool:
    """Whether a file is an ARPA file by its name: .arpa, .arpa.gz or .arpa.xz, in any case.

    >>> is_arpa(Path("books.arpa.gz")), is_arpa(Path("books.lm"))
    (True, False)
    """
    return path.name.lower().endswith((".arpa", ".arpa.gz", ".arpa.xz"))


def read_arpa(path: Path) -> NGramTable:
    """Read an ARPA file, plain or compressed (.gz, .xz). The n-grams may be in any order.

    Raises:
        LanguageModelError: The file cannot be read, is truncated or is something else; the message
            gives the line.
    """
    try:
        refuse_pipes(path)
        with open_text(path) as file:
            if kind := identify_binary(file.read(HEAD_BYTES)):
                raise LanguageModelError(path, f"is not an ARPA file but {kind}")
            file.seek(0)
            return _Reader(path, file).read()
    except COMPRESSION_ERRORS as error:
        raise LanguageModelError(path, f"cannot be decompressed: {error}") from error
    except OSError as error:
        raise LanguageModelError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # a line without an end, damaged UTF-16
        raise LanguageModelError(path, f"{error}") from None


class _Ids(dict[bytes, int]):
    """The id of each word; <UNK> is another spelling of <unk>, in n-grams of any order."""

    def __missing__(self, word: bytes) -> int:
        if word == b"<UNK>":
            return 0
        raise KeyError(word)


class _Reader:
    """Reads one file from start to end."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, utf8_lines(file)
        self._line = 0  # the number of the last line read
        self._ids = _Ids({UNKNOWN.encode(): 0})
        self._has_unknown = False

    def read(self) -> NGramTable:
        counts = self._read_counts()
        orders = []
        for n, num_ngrams in enumerate(counts, start=1):
            orders.append(self._read_order(n, num_ngrams, is_highest=n == len(counts)))
            header = f"\\{n + 1}-grams:" if n < len(counts) else "\\end\\"
            if (line := self._next()) != header.encode():
                raise self._fault(f"expected {header} after {num_ngrams} {n}-grams, found", line)
        for _ in self._file:
            pass  # verifies the checksum at the end of a compressed file
        for special in (SENTENCE_START, SENTENCE_END):
            if special.encode() not in self._ids:
                raise LanguageModelError(self._path, f"has no unigram {special}")
        if not self._has_unknown:
            orders[0] = _with_unknown(orders[0])
        return NGramTable([word.decode() for word in self._ids], orders)

    def _read_counts(self) -> list[int]:
        """The number of n-grams of each order; reads up to the header of the unigrams."""
        while (line := self._next(before="\\data\\")) != b"\\data\\":
            if line.startswith(_IRSTLM):
                reason = "not an ARPA file, which IRSTLM writes with compile-lm --text=yes, but"
                raise self._fault(reason, line)
            if self._line > _MAX_PREAMBLE:
                raise self._fault("not an ARPA file: there is no \\data\\ up to here")
        counts: list[int] = []
        while (line := self._next()) != b"\\1-grams:" or not counts:
            n = len(counts) + 1
            match = _COUNT.fullmatch(line)
            if not match or int(match[1]) != n or n > MAX_ORDER:
                raise self._fault(f"expected the number of {n}-grams, found", line)
            counts.append(int(match[2]))
        return counts

    def _read_order(self, n: int, num_ngrams: int, is_highest: bool) -> NGrams:
        words, log10_probs, log10_backoffs = array("i"), array("f"), array("f")
        to_id: Callable[[bytes], int] = self._add_word if n == 1 else self._ids.__getitem__
        largest_backoff = 0.0 if is_highest else -_LOWEST
        limits = f"a log10 probability in {_LOWEST:.0f}..0, " + (
            "and no back-off, since no longer n-gram follows"
            if is_highest
            else f"a back-off of at most {largest_backoff:.0f}"
        )
        for index in range(num_ngrams):
            line = self._next()
            fields = line.split()
            if not n + 1 <= len(fields) <= n + 2:
                raise self._fault(f"expected {n}-gram {index + 1} of {num_ngrams}, found", line)
            try:
                log10_prob = float(fields[0])
                log10_backoff = float(fields[n + 1]) if len(fields) == n + 2 else 0.0
                words.extend(map(to_id, fields[1 : n + 1]))
            except ValueError as error:
                raise self._fault(f"not a {n}-gram, {error}:", line) from None
            except KeyError as error:
                raise self._fault("not among the unigrams:", error.args[0]) from None
            if not (_LOWEST <= log10_prob <= 0 and abs(log10_backoff) <= largest_backoff):
                raise self._fault(f"expected {limits}, found", line)
            log10_probs.append(log10_prob)
            log10_backoffs.append(log10_backoff)
        return NGrams(
            np.array(words, np.int32).reshape(-1, n),
            np.array(log10_probs, np.float32),
            np.array(log10_backoffs, np.float32),
        )

    def _add_word(self, word: bytes) -> int:
        if word in (UNKNOWN.encode(), b"<UNK>") and not self._has_unknown:
            self._has_unknown = True
            return 0
        if word in self._ids or word == b"<UNK>":
            raise self._fault("repeated unigram:", word)
        try:
            word.decode()
        except UnicodeDecodeError:
            raise self._fault("not UTF-8; save the file as UTF-8:", word) from None
        self._ids[word] = len(self._ids)
        return len(self._ids) - 1

    def _next(self, before: str = "\\end\\") -> bytes:
        """The next line that is not empty, stripped."""
        for content in self._file:
            self._line += 1
            if stripped := content.strip():
                return stripped
        raise self._fault(f"the file ends before {before}: truncated, or not an ARPA file")

    def _fault(self, reason: str, found: bytes | None = None) -> LanguageModelError:
        shown = "" if found is None else f" {found[:60].decode(errors='replace')!r}"
        return LanguageModelError(self._path, reason + shown, self._line or None)


def _with_unknown(unigrams: NGrams) -> NGrams:
    return NGrams(
        np.append(unigrams.words, [[0]], axis=0).astype(np.int32),
        np.append(unigrams.log10_probs, np.float32(_MISSING_UNKNOWN)),
        np.append(unigrams.log10_backoffs, np.float32(0)),
    )


def write_arpa(path: Path, table: NGramTable) -> None:
    """Write an ARPA file atomically, compressed if its suffix is .gz or .xz.

    Raises:
        OSError: The file cannot be written; an existing one is untouched.
    """
    write_text(path, "".join(_lines(table)).encode())


def _lines(table: NGramTable) -> Iterator[str]:
    yield "\\data\\\n"
    for n, ngrams in enumerate(table.orders, start=1):
        yield f"ngram {n}={len(ngrams)}\n"
    for n, ngrams in enumerate(table.orders, start=1):
        yield f"\n\\{n}-grams:\n"
        words = (map(table.vocabulary.__getitem__, column) for column in ngrams.words.T.tolist())
        columns: list[Iterable[str]] = [
            ngrams.log10_probs.astype(str),
            map(" ".join, zip(*words, strict=True)),
        ]
        if n < len(table.orders):
            columns.append(ngrams.log10_backoffs.astype(str))
        for fields in zip(*columns, strict=True):
            yield "\t".join(fields) + "\n"
    yield "\n\\end\\\n"
