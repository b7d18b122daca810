"""Copying from a pipe that may stay silent for long, without missing signals."""

from __future__ import annotations

import io
import select
import shutil
import sys
from typing import IO

# A signal that comes just before a read blocks would wait for the pipe's next bytes: Python runs handlers in between.
POLL_S = 0.2
_CHUNK = 1 << 20


def copy_pipe(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy all that a pipe gives.

    Args:
        source: What is read; nothing was read of it so far.
        target: Where it goes.

    Raises:
        OSError: The one can't be read, or the other not be written.
    """
    # On Windows only sockets can be waited for; and what has no descriptor never blocks.
    if sys.platform == "win32" or not isinstance(source, io.BufferedReader):
        shutil.copyfileobj(source, target)
        return
    while chunk := _read(source):
        target.write(chunk)


def _read(source: io.BufferedReader) -> bytes:
    while not select.select([source], [], [], POLL_S)[0]:
        pass
    return source.read1(_CHUNK)
