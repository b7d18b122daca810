"""Which artifact an index was built with, and where it may be.

The manifest knows it by its hash. Where it was is a hint in a file of its own, relative to the index: both may be moved
together, and an artifact that isn't the one is refused wherever it is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from biolord_onnx.artifact.folder import find_fingerprint
from biolord_onnx.artifact.installed import installed_artifacts
from biolord_onnx.bulk.hidden import write_whole
from biolord_onnx.errors import ArtifactError
from biolord_onnx.index.manifest import read_index_manifest

HINT = "artifact.txt"
_MOST_CHARACTERS = 4096


def find_artifact(index: Path) -> Path:
    """Find the artifact of an index: where it was when the index was built, or an installed one.

    Raises:
        ArtifactError: It is in neither place, or the folder is no index.
    """
    wanted = read_index_manifest(index).manifest.artifact
    hinted = _hinted(index)
    for place in _places(hinted):
        if _fingerprint(place) == wanted.fingerprint:
            return place
    raise ArtifactError(
        f"{index} was built with {wanted.name}, fingerprint {wanted.fingerprint[:12]}..., which is neither "
        f"{'where it was then' if hinted is None else hinted} nor installed: say where it is with --artifact"
    )


def _places(hinted: Path | None) -> Iterator[Path]:
    if hinted is not None:
        yield hinted
    yield from installed_artifacts().values()


def _fingerprint(place: Path) -> str | None:
    """Return that of an artifact; None where there is none, or a damaged one."""
    try:
        return find_fingerprint(place) if place.is_dir() else None
    except (ArtifactError, OSError):
        return None


def write_hint(index: Path, artifact: Path) -> None:
    """Note where the artifact of an index is."""
    try:
        place = os.path.relpath(artifact, os.path.realpath(index))
    except ValueError:  # on another drive of Windows
        place = str(artifact)
    write_whole(index / HINT, f"{place}\n")


def _hinted(index: Path) -> Path | None:
    try:
        found = (index / HINT).lstat()
        if not stat.S_ISREG(found.st_mode):
            return None
        with (index / HINT).open(encoding="utf-8") as stream:
            place = stream.read(_MOST_CHARACTERS).strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    if not place.isprintable():
        return None
    return Path(os.path.normpath(Path(os.path.realpath(index)) / place)) if place else None
