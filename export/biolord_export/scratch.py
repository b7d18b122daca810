"""Temporary folders. A process that is killed leaves them, and the next one clears what no process owns any more."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.bulk.locks import take_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIQUE = "-[0-9a-f]{16}"
_OLD = "-old"


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
    descriptor = _lock(path)
    try:
        path.rename(old)
        with ExitStack() as failing:
            failing.callback(_bring_back, old, path)
            yield
            failing.pop_all()
        shutil.rmtree(old)
    finally:
        _release(descriptor)


@contextmanager
def _owned(place: Path, name: str) -> Iterator[Path]:
    # Named before it is made, so that a Ctrl-C in between finds it, too; tempfile.mkdtemp would lose it.
    folder = place / f"{name}-{secrets.token_hex(8)}"
    descriptor = None
    try:
        folder.mkdir(mode=0o700)
        descriptor = _lock(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _release(descriptor)


def _clear(place: Path, pattern: str) -> None:
    for folder, descriptor in _unowned(place, pattern):
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _unowned(place: Path, pattern: str) -> Iterator[tuple[Path, int]]:
    """Yield folders of ours that no process owns, with an open descriptor that owns them now."""
    for folder in place.iterdir() if os.access(place, os.R_OK) else ():
        if not re.fullmatch(pattern, folder.name) or folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            continue
        descriptor = _lock(folder)
        if descriptor is not None:
            yield folder, descriptor


def _bring_back(old: Path, path: Path) -> None:
    if not os.path.lexists(path):
        old.rename(path)


def _lock(folder: Path) -> int | None:
    """Lock a folder; None if another process holds it, or if the file system can't tell and it is better left alone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        if take_lock(descriptor):
            return descriptor
    except OSError:
        pass  # NFS locks no folders
    os.close(descriptor)
    return None


def _release(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)
