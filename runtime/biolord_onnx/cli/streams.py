"""Standard streams that are closed, full, or no longer read.

A result that can't be written is an error; a message that can't is lost. Python alone makes None of a stream that is
closed, and complains at exit, with a code of its own, about one that is full.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TextIO

_NAMES = ("standard input", "standard output", "standard error")
_CLOSED = "it is closed"


class Buffer(Protocol):
    """Bytes in memory; `collections.abc` has the class from Python 3.12 on."""

    def __buffer__(self, flags: int, /) -> memoryview:
        """Return a view of them."""


class OutputStream(io.RawIOBase):
    """A stream whose first failure is an error that names it, or none at all; what follows is lost."""

    def __init__(self, name: str, descriptor: int | None, *, optional: bool) -> None:
        """Take a descriptor, None if it is closed; ``optional`` swallows the first failure, too."""
        self._name = name
        self._descriptor = descriptor
        self._optional = optional
        self._failed = False

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor.

        Raises:
            OSError: It is closed.
        """
        return super().fileno() if self._descriptor is None else self._descriptor

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def write(self, data: Buffer, /) -> int:
        """Write some bytes; return how many.

        Raises:
            OSError: They can't be written; a `BrokenPipeError`, if they are no longer read.
        """
        if not self._failed:
            try:
                return self._write(data)
            except OSError as error:
                self._failed = True
                if not self._optional:
                    raise OSError(error.errno, error.strerror, self._name) from error
        return memoryview(data).nbytes

    def _write(self, data: Buffer) -> int:
        if self._descriptor is None:
            raise OSError(errno.EBADF, _CLOSED)
        return os.write(self._descriptor, data)


class ClosedInput(io.RawIOBase):
    """Standard input of a process that was started without."""

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:  # noqa: ARG002 - a stream's signature
        """Raise.

        Raises:
            OSError: Always.
        """
        raise OSError(errno.EBADF, _CLOSED, _NAMES[0])


@contextmanager
def standard_streams() -> Iterator[None]:
    """Put streams in the place of Python's that are never None and fail as errors do; give Python's back at the end."""
    before = sys.stdin, sys.stdout, sys.stderr
    _occupy_descriptors()
    sys.stdin = sys.stdin or io.TextIOWrapper(ClosedInput())
    sys.stdout = _replaced(sys.stdout, 1)
    sys.stderr = _replaced(sys.stderr, 2)
    try:
        yield
    finally:
        with suppress(OSError):  # after an error, which has been told: as much as can be written of what came before
            sys.stdout.flush()
        sys.stderr.flush()
        sys.stdin, sys.stdout, sys.stderr = before


def _occupy_descriptors() -> None:
    """Fill the places of closed streams: the next file that is opened would take one, and what libraries print."""
    for descriptor in range(len(_NAMES)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _replaced(stream: TextIO | None, number: int) -> TextIO:
    optional = number != 1
    if stream is None:
        buffer = io.BufferedWriter(OutputStream(_NAMES[number], None, optional=optional))
        return io.TextIOWrapper(buffer, "utf-8", "backslashreplace")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    # A terminal that can't show a character gets its escape, not an error.
    stream.reconfigure(errors="backslashreplace")
    # Whoever runs this as a function may have put something else there, as Windows does for its console.
    if not isinstance(getattr(stream.buffer, "raw", stream.buffer), io.FileIO):
        return stream
    raw = OutputStream(_NAMES[number], stream.fileno(), optional=optional)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        stream.encoding,
        "backslashreplace",
        # As Python chose, by what it is and by PYTHONUNBUFFERED.
        line_buffering=stream.line_buffering or stream.write_through,
    )
