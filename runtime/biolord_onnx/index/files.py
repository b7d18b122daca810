"""What the files of an index must be before they are mapped: those that its manifest names, inside its folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from biolord_onnx.artifact.manifest import FileEntry
from biolord_onnx.artifact.stamps import sha256_of
from biolord_onnx.errors import ArtifactError
from biolord_onnx.index.manifest import REMEDY, IndexManifest
from biolord_onnx.index.tables import column, names, strings

HIGH, LOW, FIGURES, NAMES, CODES = "high", "low", "figures", "names", "codes"


def column_name(number: int) -> str:
    """Return what the files of a kept column are called: its own name may be anything."""
    return f"column{number}"


def check_files(folder: Path, manifest: IndexManifest, *, verify_hashes: bool) -> None:
    """Check that an index has its files, and no others are taken for them.

    Args:
        folder: Of the index.
        manifest: Of it.
        verify_hashes: Read all of them, and compare their SHA-256 with the manifest's.

    Raises:
        ArtifactError: One is missing, altered, no file, or outside the folder; or the manifest lists others.
    """
    listed = sorted(entry.name for entry in manifest.files)
    if listed != sorted(_names(manifest)):
        raise ArtifactError(f"{folder}: its manifest lists other files than an index like it has: {REMEDY}")
    for entry in manifest.files:
        _check_file(folder, folder / manifest.data / entry.name, entry, verify_hashes=verify_hashes)


def refuse_way_out(folder: Path, path: Path) -> None:
    """Refuse a link that leads out of a folder.

    Raises:
        ArtifactError: It is one.
    """
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ArtifactError(f"{path} is a link that leads out of the index: copy what it leads to into the folder")


def _check_file(folder: Path, path: Path, entry: FileEntry, *, verify_hashes: bool) -> None:
    refuse_way_out(folder, path)
    size = path.stat().st_size if path.is_file() else None
    if size != entry.size:
        found = "is missing" if size is None else f"has {size} bytes, the manifest says {entry.size}"
        raise ArtifactError(f"{path} {found}: copy the folder again, or {REMEDY}")
    if verify_hashes and (found := sha256_of(path)) != entry.sha256:
        raise ArtifactError(
            f"{path} was changed since the index was built: SHA-256 {found[:12]}..., the manifest says "
            f"{entry.sha256[:12]}...: copy the folder again, or {REMEDY}"
        )


def _names(manifest: IndexManifest) -> Iterator[str]:
    yield from (HIGH, FIGURES)
    if manifest.rescore:
        yield LOW
    yield from _table(NAMES, names.HASHES, names.ROWS)
    if manifest.counts.codes is not None:
        yield from _table(CODES, column.NUMBERS, column.ROWS, column.STARTS)
    for number in range(len(manifest.columns)):
        yield from _table(column_name(number), column.NUMBERS)


def _table(name: str, *kinds: str) -> Iterator[str]:
    return (f"{name}.{kind}" for kind in (strings.TEXTS, strings.OFFSETS, *kinds))
