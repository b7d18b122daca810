"""An output that is what is being read."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import TextIO

from biolord_onnx.bulk.formats import STDOUT
from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import STDIN


def refuse_overwriting(source: str, output: str, option: str = "--output") -> None:
    """Refuse to write what is read, whatever names both have: the table would be lost, or grow while it is read.

    Args:
        source: A file or folder, or ``-`` for standard input.
        output: A file, which need not be there, or ``-`` for standard output.
        option: That names the output.

    Raises:
        InputError: The output is the source, or lies in it.
    """
    if output != STDOUT and Path(source).is_dir() and Path(output).resolve().is_relative_to(Path(source).resolve()):
        raise InputError(f"{option} {output} lies in the folder that is read, {source}: choose another place")
    written = _status(output, STDOUT, sys.stdout)
    files = Path(source).rglob("*") if Path(source).is_dir() else [source]
    for place in files:
        read = _status(str(place), STDIN, sys.stdin)
        if read is not None and written is not None and os.path.samestat(read, written):
            name = "standard output" if output == STDOUT else f"{option} {output}"
            raise InputError(f"{name} is the file that is read, {place}: choose another name")


def _status(place: str, stream_name: str, stream: TextIO) -> os.stat_result | None:
    """Return what a file is known by, None for what is none: a pipe, a terminal, a stream in memory."""
    try:
        status = os.fstat(stream.fileno()) if place == stream_name else Path(place).stat()
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None
