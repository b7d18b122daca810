"""Opening what holds text: a file or standard input, decompressed where gzip packed it."""

from __future__ import annotations

import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import GZIP_ENDING, STDIN
from biolord_onnx.io.signatures import GZIP, SHOWN_BYTES, foreign

_CHUNK = 1 << 17

if TYPE_CHECKING:
    _Reader = io.BufferedReader[io.RawIOBase]


@contextmanager
def opened(source: str, name: str) -> Iterator[BinaryIO]:
    """Open a file of text.

    Args:
        source: Its path, or ``-`` for standard input.
        name: What messages call it.

    Yields:
        Its bytes, decompressed.

    Raises:
        InputError: It is no text, by its first bytes, or what gzip packed is damaged, which the reading may find.
        OSError: It can't be read.
    """
    with _buffered(source) as stream:
        head = stream.peek(SHOWN_BYTES)
        if not head.startswith(GZIP):
            if name.lower().endswith(GZIP_ENDING):
                raise InputError(f"{name} ends in {GZIP_ENDING} but isn't compressed with gzip: rename or compress it")
            _refuse_foreign(head, name)
            yield cast("BinaryIO", stream)
            return
        with _decompressed(stream, name) as inner:
            yield inner


@contextmanager
def _buffered(source: str) -> Iterator[_Reader]:
    if source != STDIN:
        with Path(source).open("rb", buffering=_CHUNK) as stream:
            yield cast("_Reader", stream)
        return
    # A reader of its own can look ahead whatever stands in for standard input, and leaves it open.
    reader: _Reader = io.BufferedReader(cast("io.RawIOBase", sys.stdin.buffer), _CHUNK)
    try:
        yield reader
    finally:
        reader.detach()


@contextmanager
def _decompressed(stream: _Reader, name: str) -> Iterator[BinaryIO]:
    import gzip

    try:
        with gzip.GzipFile(fileobj=stream) as packed, io.BufferedReader(packed, _CHUNK) as inner:
            head = inner.peek(SHOWN_BYTES)
            if head.startswith(GZIP):
                raise InputError(f"{name} is compressed twice: decompress it once")
            _refuse_foreign(head, f"{name}, decompressed,")
            yield cast("BinaryIO", inner)
    except EOFError as error:
        raise InputError(f"{name} is compressed with gzip and ends early: fetch or pack it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{name} is compressed with gzip and damaged ({error}): fetch or pack it again") from error


def _refuse_foreign(head: bytes, name: str) -> None:
    found = foreign(head)
    if found is not None:
        raise InputError(f"{name} is {found.kind}: {found.advice}")
