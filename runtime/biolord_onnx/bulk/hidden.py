"""Hidden files of a run: made exclusively, never followed, and taken over from an earlier run only if it was ours.

Their names are predictable, and so may be planted: a link there would lead a write to another file.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from biolord_onnx.errors import InputError

# Windows has none but O_BINARY, and needs that.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


def create(path: Path) -> BinaryIO:
    """Make a file that isn't there yet, and open it for reading and writing, unbuffered.

    Raises:
        FileExistsError: Something is there, be it a link that leads nowhere.
        OSError: The file can't be made.
    """
    return os.fdopen(os.open(path, _FLAGS | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "r+b", buffering=0)


def open_left(path: Path) -> BinaryIO | None:
    """Open what an earlier run left, for reading and writing, unbuffered.

    Returns:
        The file, None if there is none.

    Raises:
        InputError: It is no ordinary file, or other users may write to it.
        OSError: It can't be opened.
    """
    found = _look(path)
    if found is None:
        return None
    _refuse_shared(path, found)
    stream = os.fdopen(os.open(path, _FLAGS | os.O_RDWR), "r+b", buffering=0)
    if not os.path.samestat(found, os.fstat(stream.fileno())):
        stream.close()
        raise InputError(f"{path} was replaced while it was opened: run it again when nothing else writes there")
    return stream


def remove_left(path: Path) -> None:
    """Remove what an earlier run left, if it left something.

    Raises:
        InputError: It is no ordinary file.
        OSError: It can't be removed.
    """
    if _look(path) is not None:
        path.unlink(missing_ok=True)


def is_named(path: Path, stream: BinaryIO) -> bool:
    """Whether an open file still has its name: neither it nor its folder was removed, moved or replaced."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(stream.fileno()))
    except OSError:
        return False


def write_whole(path: Path, text: str) -> None:
    """Write a file that appears complete, or replaces another one at once.

    Raises:
        OSError: The disk is full, or failed; what was there is there.
    """
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with new.open("x", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(path)
    sync_folder(path.parent)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in errors of the block that name none: reads and writes know a number only."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or isinstance(error, BrokenPipeError):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def sync_folder(folder: Path) -> None:
    """Wait until the names of a folder's files are on the disk, where the system has a way to."""
    if not hasattr(os, "O_DIRECTORY"):  # pragma: no cover - Windows
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _look(path: Path) -> os.stat_result | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path} is {_kind(found.st_mode)}, not a file that a run left: remove it")
    return found


def _refuse_shared(path: Path, found: os.stat_result) -> None:
    """Refuse to build on what other users may change."""
    if found.st_nlink > 1:
        raise InputError(f"{path} is a file with {found.st_nlink} names, not one that a run left: remove this name")
    # Elsewhere owners say little: network drives give all files to one.
    if path.parent.stat().st_mode & stat.S_IWOTH and found.st_uid != os.geteuid():
        raise InputError(
            f"{path} is a file of user {found.st_uid}, and you are {os.geteuid()}: "
            "have it removed, or choose an output in another folder"
        )


def _kind(mode: int) -> str:
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe"}
    return kinds.get(stat.S_IFMT(mode), "a device or socket")
