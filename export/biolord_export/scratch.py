"""Temporary folders. A process that is killed leaves them, and the next one clears what no process owns any more."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.bulk.locks import take_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIQUE = "-[0-9a-f]{16}"
_OLD = "-old"
_FOLDERS_ONLY = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a hidden folder on a path's file system; whatever is still in it at the end is removed."""
    with _owned(path.absolute().parent, f".{path.name}") as folder:
        yield folder


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """Give a folder in the system's place for temporary files, removed at the end.

    Args:
        purpose: A word that is part of its name.
    """
    place, name = Path(tempfile.gettempdir()), f"biolord-{purpose}"
    _clear(place, f"{name}{_UNIQUE}")
    with _owned(place, name) as folder:
        yield folder


def clear_beside(path: Path) -> None:
    """Remove hidden folders that killed processes left beside a path, or in the middle of replacing it put it there."""
    place, name = path.absolute().parent, rf"\.+{re.escape(path.name)}({_UNIQUE})+"
    for old, descriptor in _unowned(place, f"{name}{_OLD}"):
        if not os.path.lexists(path):
            old.rename(path)
        os.close(descriptor)
    _clear(place, f"{name}({_OLD})?")


@contextmanager
def moved_away(path: Path, draft: Path) -> Iterator[None]:
    """Rename a folder while another one takes its place, and remove it; if that fails, it comes back.

    Args:
        path: Of the folder.
        draft: What is to take its place, by whose name a later process knows what is left of a killed one.
    """
    old = draft.with_name(f"{draft.name}{_OLD}")
    with ExitStack() as stack:
        with suppress(OSError):  # an export that has just put it there holds it still, or there are no locks
            stack.callback(os.close, _lock(path))
        path.rename(old)
        with ExitStack() as failing:
            failing.callback(_bring_back, old, path)
            yield
            failing.pop_all()
        shutil.rmtree(old)


@contextmanager
def _owned(place: Path, name: str) -> Iterator[Path]:
    with ExitStack() as stack:
        while True:
            # Named before it is made, so that a Ctrl-C in between finds it, too; tempfile.mkdtemp would lose it.
            folder = place / f"{name}-{secrets.token_hex(8)}"
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            folder.mkdir(mode=0o700)
            if _own(folder, stack):
                break
        yield folder


def _own(folder: Path, stack: ExitStack) -> bool:
    """Lock a folder that was just made; False if another process cleared it before it was locked."""
    try:
        stack.callback(os.close, _lock(folder))
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:
        pass  # a file system without locks, on which nothing is cleared
    return True


def _clear(place: Path, pattern: str) -> None:
    for folder, descriptor in _unowned(place, pattern):
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _unowned(place: Path, pattern: str) -> Iterator[tuple[Path, int]]:
    """Yield folders of ours that no process owns, with an open descriptor that owns them now."""
    for folder in place.iterdir() if os.access(place, os.R_OK) else ():
        if not re.fullmatch(pattern, folder.name):
            continue
        try:
            descriptor = _lock(folder)
        except OSError:
            continue  # another process's, gone meanwhile, or on a file system that can't tell
        if os.fstat(descriptor).st_uid == os.geteuid():
            yield folder, descriptor
        else:
            os.close(descriptor)


def _bring_back(old: Path, path: Path) -> None:
    if not os.path.lexists(path):
        old.rename(path)


def _lock(folder: Path) -> int:
    """Lock a folder for as long as the descriptor is open that is returned.

    Raises:
        BlockingIOError: Another process holds it.
        FileNotFoundError: There is none, or no longer: who held it before has removed or renamed it.
        OSError: The file system locks no folders, as NFS.
    """
    descriptor = os.open(folder, os.O_RDONLY | _FOLDERS_ONLY)
    with ExitStack() as failing:
        failing.callback(os.close, descriptor)
        if not take_lock(descriptor):
            raise BlockingIOError(errno.EAGAIN, "another process holds it", str(folder))
        if not os.path.samestat(os.fstat(descriptor), folder.lstat()):
            raise FileNotFoundError(errno.ENOENT, "another folder has its name", str(folder))
        failing.pop_all()
    return descriptor
