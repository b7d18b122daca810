"""Where an index is built, and how it appears: its files first, and its manifest last, by one rename."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biolord_onnx.artifact.manifest import MANIFEST_NAME, FileEntry
from biolord_onnx.artifact.stamps import sha256_of
from biolord_onnx.bulk.hidden import create, is_named, open_left, sync_folder, write_whole
from biolord_onnx.bulk.locks import take_lock
from biolord_onnx.errors import InputError
from biolord_onnx.index.artifact import HINT
from biolord_onnx.index.manifest import read_index_manifest

# What a build writes beside the files of the index.
_WORK, _LOCK, _DATA = ".work", "lock", "data"
_NEW = (f".{MANIFEST_NAME}.new", f".{HINT}.new")
_NUMBERED = re.compile(r"data-[0-9]{1,9}")
_HIGHEST = 10**9 - 1
# What stands in such a folder: somebody else's, whatever it is called, is nobody's to remove.
_PARTS = re.compile(r"high|low|figures|(names|codes|column[0-9]+)\.(texts|offsets|hashes|rows|numbers|starts)")


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of an index while it is built.

    Attributes:
        folder: Of the index.
        replaced: The folder in it with the files of the index that is replaced; None if there is none.
        made: Whether the folder wasn't there before.
    """

    folder: Path
    replaced: str | None
    made: bool

    @property
    def work(self) -> Path:
        """What an interrupted build leaves."""
        return self.folder / _WORK

    @property
    def data(self) -> Path:
        """Files on their way."""
        return self.work / _DATA

    @property
    def vectors(self) -> Path:
        """Vectors as they come."""
        return self.work / "vectors.npy"

    @property
    def given(self) -> Path:
        """Vectors that came with their names."""
        return self.work / "given"

    @property
    def embedded(self) -> Path:
        """Tells what the vectors are of, once all are there."""
        return self.work / "embedded.json"

    @property
    def name(self) -> str:
        """What the folder with the files is going to be called."""
        before = 0 if self.replaced is None else int(self.replaced.removeprefix("data-"))
        return f"data-{before % _HIGHEST + 1}"

    def clear(self) -> None:
        """Begin the files anew."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir()

    def forget(self) -> None:
        """Remove what an interrupted build left."""
        for path in (self.vectors, self.embedded, *self.work.glob(".vectors.npy.*")):
            path.unlink(missing_ok=True)

    def leave(self) -> None:
        """Keep what another build can go on from, and nothing else."""
        shutil.rmtree(self.data, ignore_errors=True)
        if self.vectors.exists() or any(self.work.glob(".vectors.npy.*")):
            return
        shutil.rmtree(self.work)
        if self.made and all(path.name == HINT for path in self.folder.iterdir()):
            shutil.rmtree(self.folder)

    def entries(self) -> tuple[FileEntry, ...]:
        """Wait until all files are on the disk, and describe them."""
        found = []
        for path in sorted(self.data.iterdir()):
            with path.open("rb+") as stream:
                os.fsync(stream.fileno())
            found.append(FileEntry(path.name, sha256_of(path), path.stat().st_size))
        sync_folder(self.data)
        return tuple(found)

    def publish(self, manifest: str) -> None:
        """Let the index appear, and remove what it replaces.

        Raises:
            OSError: The disk is full, or failed; what was there is there.
        """
        data = self.folder / self.name
        shutil.rmtree(data, ignore_errors=True)  # of a build that was killed before it had written its manifest
        self.data.rename(data)
        sync_folder(self.folder)
        write_whole(self.folder / MANIFEST_NAME, manifest)
        self.forget()
        for old in self.folder.iterdir():
            if old != data and _NUMBERED.fullmatch(old.name) and _is_data(old):
                shutil.rmtree(old, ignore_errors=True)


@contextmanager
def building(path: Path | str, *, update: bool, force: bool) -> Iterator[Place]:
    """Hold the folder of an index for one build.

    Args:
        path: Of the index.
        update: There must be one.
        force: One that is there is replaced.

    Raises:
        InputError: Something is there, or nothing is; or another process builds it.
    """
    folder = Path(os.path.realpath(path))
    _replaced(folder, update=update, force=force)  # before anything is made there
    made = not folder.exists()
    if (folder / _WORK).is_symlink():
        raise InputError(f"{folder / _WORK} is a link, nothing that a build left: remove it")
    (folder / _WORK).mkdir(parents=True, exist_ok=True)
    lock = folder / _WORK / _LOCK
    try:
        stream = open_left(lock) or create(lock)
    except FileExistsError as error:
        raise _held(folder) from error
    with stream:
        if not take_lock(stream.fileno()) or not is_named(lock, stream):
            raise _held(folder)
        # Another build may have ended meanwhile.
        place = Place(folder, _replaced(folder, update=update, force=force), made)
        try:
            yield place
        finally:
            place.leave()


def _replaced(folder: Path, *, update: bool, force: bool) -> str | None:
    if (folder / MANIFEST_NAME).exists():
        found = read_index_manifest(folder).manifest.data
        foreign = [path for path in folder.iterdir() if _NUMBERED.fullmatch(path.name) and not _is_data(path)]
        if foreign:
            raise InputError(f"{foreign[0]} holds something else than an index's files: move it elsewhere")
        if not (update or force):
            raise InputError(f"{folder} exists: add what is new with --update, or replace it with --force")
        return found
    if update:
        raise InputError(f"{folder} holds no index to update: build it without --update")
    if not folder.parent.is_dir():
        raise InputError(f"the folder {folder.parent} of {folder.name} does not exist: make it first")
    if folder.exists() and (not folder.is_dir() or not _is_ours(folder)):
        raise InputError(f"{folder} exists and is no index: choose another name")
    return None


def _is_ours(folder: Path) -> bool:
    return all(
        path.name in {_WORK, HINT, *_NEW} or (_NUMBERED.fullmatch(path.name) and _is_data(path))
        for path in folder.iterdir()
    )


def _is_data(path: Path) -> bool:
    """Whether a folder holds the files of an index, or some of them, and nothing else."""
    if path.is_symlink() or not path.is_dir():
        return False
    return all(_PARTS.fullmatch(part.name) and part.is_file() for part in path.iterdir())


def _held(folder: Path) -> InputError:
    return InputError(f"another process is building {folder}: wait for it, or choose another name")
