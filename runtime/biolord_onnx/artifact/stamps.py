"""Whether the files of an artifact are still those that were opened.

Some are read late, such as the ranges by the first 8-bit vector. Until then another process may have
put others in their place.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biolord_onnx.artifact.manifest import FileEntry
from biolord_onnx.errors import ArtifactError

_HASHED_AT_ONCE = 4 * 1024 * 1024


class ArtifactChangedError(ArtifactError):
    """A file of an artifact isn't the one that was opened."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells a file from one that took its place, and from itself rewritten.

    Attributes:
        device: That holds it.
        inode: Number there.
        size: In bytes.
        modified_ns: When its content changed.
        changed_ns: When anything about it did, its name and link count included; it can't be set back.
    """

    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Stamp | None:
        """Look at a file; None if it is gone."""
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


class StampedFiles:
    """The files of an artifact as they were when it was opened. Safe to use from several threads.

    A file that was touched or copied anew is hashed: what holds the same bytes is the same file.
    """

    def __init__(self, folder: Path, entries: Sequence[FileEntry]) -> None:
        """Look at every file."""
        self._folder = folder
        self._entries = {entry.name: entry for entry in entries}
        self._stamps = {name: Stamp.of(folder / name) for name in self._entries}

    def check_unchanged(self) -> None:
        """Look at every file again.

        Raises:
            ArtifactChangedError: One isn't the file it was, or was touched.
        """
        for name in self._entries:
            self._check_stamp(name)

    @contextmanager
    def reading(self, *names: str) -> Iterator[None]:
        """Let a block read files by their names, and refuse what it read if they aren't those that were opened.

        Args:
            names: Of files that the manifest lists.

        Raises:
            ArtifactChangedError: One isn't.
        """
        for name in names:
            self._confirm(name)
        try:
            yield
        finally:  # also when the block failed: that may be why
            for name in names:
                self._check_stamp(name)

    def _check_stamp(self, name: str) -> None:
        if Stamp.of(self._folder / name) != self._stamps[name]:
            raise self._changed(name)

    def _confirm(self, name: str) -> None:
        stamp = Stamp.of(self._folder / name)
        if stamp == self._stamps[name]:
            return
        if stamp is None or sha256_of(self._folder / name) != self._entries[name].sha256:
            raise self._changed(name)
        self._stamps[name] = stamp

    def _changed(self, name: str) -> ArtifactChangedError:
        return ArtifactChangedError(
            f"{self._folder / name} is not the file that was there when the artifact was opened: load it again"
        )


def sha256_of(path: Path) -> str:
    """Hash a file in large pieces: between two of them a thread waits for Python's global lock.

    Raises:
        OSError: It can't be read.
    """
    digest = hashlib.sha256()
    # Pages of their own, which go back to the system: the heap would keep what it once had.
    with (
        mmap.mmap(-1, _HASHED_AT_ONCE) as room,
        memoryview(room) as piece,
        path.open("rb", buffering=0) as stream,
    ):
        while count := stream.readinto(piece):
            digest.update(piece[:count])
    return digest.hexdigest()
