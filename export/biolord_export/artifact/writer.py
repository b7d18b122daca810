"""Write an artifact folder: all of it, or nothing."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from biolord_export.artifact.pieces import compile_pieces
from biolord_export.corpus import builtin_verification
from biolord_export.errors import ExportError
from biolord_export.graph.builder import DATA_FILE
from biolord_export.scratch import beside, clear_beside, moved_away
from biolord_onnx.artifact.manifest import MANIFEST_NAME, MODEL_NAME, PIECES_NAME, TOKENIZER_NAME, FileEntry
from biolord_onnx.artifact.ranges import RANGES_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.graph.builder import GraphBuilder
    from biolord_onnx.artifact.manifest import Manifest

NOTICE_NAME = "NOTICE"
ARTIFACT_FILES = frozenset(
    {MODEL_NAME, DATA_FILE, TOKENIZER_NAME, PIECES_NAME, RANGES_NAME, NOTICE_NAME, MANIFEST_NAME}
)


def check_destination(out: Path, *, force: bool) -> None:
    """Refuse a destination before any work is done.

    Raises:
        ExportError: It exists and ``force`` wasn't given, or isn't an artifact that may be replaced, or its parent
            folder is missing.
        OSError: Nothing can be written beside it.
    """
    if not out.absolute().parent.is_dir():
        raise ExportError(f"{out.absolute().parent} is not a folder: make it first")
    clear_beside(out)
    if os.path.lexists(out):
        _check_replaceable(out, force=force)
    with beside(out):
        pass  # better to fail now than after minutes of work


def _check_replaceable(out: Path, *, force: bool) -> None:
    if not force:
        raise ExportError(f"{out} exists already: give another name, or --force to replace it")
    if out.is_symlink() or not out.is_dir():
        raise ExportError(f"{out} is not a folder: --force replaces artifacts only")
    names = {path.name for path in out.iterdir()}
    # A manifest alone proves nothing: web applications and browser extensions have one, too.
    foreign = sorted(names - ARTIFACT_FILES)
    if foreign or (names and MANIFEST_NAME not in names):
        found = f"it holds {foreign[0]}" if foreign else f"no {MANIFEST_NAME}"
        raise ExportError(f"{out} is not an artifact ({found}): --force replaces artifacts only")


def write_draft(folder: Path, graph: GraphBuilder, tokenizer_json: str, manifest: Manifest) -> Manifest:
    """Write an artifact's files into a draft folder.

    Returns:
        The manifest as written, which lists every file.

    Raises:
        ExportError: The table of the tokenizer's vocabulary doesn't do what the tokenizer does.
    """
    graph.save(folder)
    (folder / TOKENIZER_NAME).write_text(tokenizer_json, encoding="utf-8")
    compile_pieces(folder / PIECES_NAME, tokenizer_json, list(chain.from_iterable(builtin_verification().values())))
    (folder / NOTICE_NAME).write_text(manifest.license + "\n", encoding="utf-8")
    entries = tuple(_describe(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST_NAME)
    return write_manifest(folder, replace(manifest, files=entries))


def add_file(folder: Path, manifest: Manifest, name: str, text: str) -> Manifest:
    """Write another file into a draft folder; returns the manifest that lists it, too, not written yet."""
    (folder / name).write_text(text, encoding="utf-8")
    return replace(manifest, files=(*manifest.files, _describe(folder / name)))


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write or replace the manifest of a draft; returns it."""
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def publish(draft: Path, out: Path) -> None:
    """Rename a finished draft to its destination; an artifact that lies there is replaced.

    Raises:
        OSError: The disk failed; the old artifact is left where it was.
    """
    for path in draft.iterdir():
        path.chmod(0o644)
        _sync(path)
    draft.chmod(0o755)
    if not out.exists():
        draft.rename(out)
        return
    with moved_away(out, draft):
        draft.rename(out)


def _describe(path: Path) -> FileEntry:
    with path.open("rb") as stream:
        return FileEntry(path.name, hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size)


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
