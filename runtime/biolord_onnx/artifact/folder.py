"""Opening an artifact folder: what can be checked without onnxruntime is checked here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from biolord_onnx.artifact.bounded import read_file, unreadable
from biolord_onnx.artifact.fit import check_tables
from biolord_onnx.artifact.installed import installed_artifacts, normalize
from biolord_onnx.artifact.manifest import MANIFEST_NAME, MODEL_NAME, PIECES_NAME, TOKENIZER_NAME, FileEntry, Manifest
from biolord_onnx.artifact.stamps import StampedFiles, sha256_of
from biolord_onnx.errors import ArtifactError
from biolord_onnx.graph.check import check_graph
from biolord_onnx.graph.compiled_operators import check_known
from biolord_onnx.graph.file import Graph, read_graph

LARGEST_GRAPH = 64 * 1024 * 1024
"""Exported ones take less than a megabyte."""
LARGEST_MANIFEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact folder that passed the checks of `open_artifact`.

    Attributes:
        path: The folder, absolute and without links: what a link points to later makes no difference.
        manifest: As it was read.
        document: The bytes of the manifest.
        files: Tells whether the others are still what they were.
        graph: What was checked of the graph.
    """

    path: Path
    manifest: Manifest
    document: bytes
    files: StampedFiles = field(compare=False)
    graph: Graph

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest, which holds the hashes of all other files."""
        return _fingerprint(self.document)

    @property
    def model_path(self) -> Path:
        """The ONNX graph."""
        return self.path / MODEL_NAME

    @property
    def tokenizer_path(self) -> Path:
        """The tokenizer of the ``tokenizers`` library."""
        return self.path / TOKENIZER_NAME

    @property
    def pieces_path(self) -> Path | None:
        """The tokenizer's vocabulary as a table to map, if there is one."""
        return self.path / PIECES_NAME if self.manifest.file(PIECES_NAME) else None


def open_artifact(path: Path | str, *, verify_hashes: bool = True, fingerprint: str | None = None) -> Artifact:
    """Check an artifact folder and read its manifest.

    Args:
        path: The folder that ``biolord export`` wrote, or the name of an installed artifact; a folder of that name
            wins. A ``~`` in front is the home folder.
        verify_hashes: Compare the SHA-256 of every file with the manifest's; sizes are always compared.
        fingerprint: Of the one artifact to accept, see `Artifact.fingerprint`; None for any.

    Returns:
        The artifact, whose files can be loaded.

    Raises:
        ArtifactError: A file is missing, unreadable, altered or leads out of the folder, the manifest is malformed or
            of a later format, the graph isn't one that an export writes, or the artifact is another one than expected.
    """
    folder = Path(os.path.realpath(_find_folder(Path(path))))
    document = _read_document(folder)
    manifest = _parse_document(document, folder)
    _check_files(folder, manifest)
    # Before any content is read: all that is read from now on is of these files, or it is noticed.
    files = StampedFiles(folder, manifest.files)
    _check_fingerprint(folder, document, fingerprint)
    if verify_hashes:
        _check_hashes(folder, manifest.files)
    graph = _read_graph(folder, manifest)
    check_tables(graph, manifest, folder)
    return Artifact(folder, manifest, document, files, graph)


def find_fingerprint(path: Path | str) -> str | None:
    """Return the fingerprint of an artifact, of which only the manifest is read; None where there is none.

    Raises:
        ArtifactError: The manifest can't be read.
    """
    try:
        folder = _find_folder(Path(path))
    except ArtifactError:
        return None
    return _fingerprint(_read_document(folder)) if (folder / MANIFEST_NAME).is_file() else None


def _fingerprint(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()


def _check_fingerprint(folder: Path, document: bytes, expected: str | None) -> None:
    found = _fingerprint(document)
    if expected not in {None, found}:
        raise ArtifactError(
            f"{folder} holds the artifact with fingerprint {found[:12]}..., expected "
            f"{str(expected)[:12]}...: it was replaced since, start again to use the new one"
        )


def _find_folder(path: Path) -> Path:
    if path.is_dir():
        return path
    path = _expand_home(path)
    if path.is_dir():
        return path
    if path.exists():
        raise ArtifactError(f"{path} is a file, expected the artifact folder that biolord export writes")
    installed = installed_artifacts() if len(path.parts) == 1 else {}
    found = installed.get(normalize(path.name))
    if found is None:
        known = f"; installed artifacts: {', '.join(sorted(installed))}" if installed else ""
        raise ArtifactError(f"{path} does not exist, expected the artifact folder that biolord export writes{known}")
    return found


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # no user of that name has a home: a path that doesn't exist
        return path


def check_hashes(artifact: Artifact, only: str | None = None) -> None:
    """Compare the SHA-256 of files with the manifest's.

    Args:
        artifact: The artifact.
        only: The name of the one file to look at; None for all.

    Raises:
        ArtifactError: A file is unreadable or was altered.
    """
    _check_hashes(artifact.path, [entry for entry in artifact.manifest.files if only in {None, entry.name}])


def _check_hashes(folder: Path, entries: Iterable[FileEntry]) -> None:
    for entry in entries:
        _check_hash(folder / entry.name, entry)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artifact folder without looking at the other files."""
    return _parse_document(_read_document(folder), folder)


def _read_document(folder: Path) -> bytes:
    path = folder / MANIFEST_NAME
    _refuse_way_out(folder, path)
    if not path.is_file():
        raise ArtifactError(f"{folder} has no {MANIFEST_NAME}: it is not an artifact, or its export was interrupted")
    return read_file(path, LARGEST_MANIFEST)


def _parse_document(document: bytes, folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}): export the artifact again"
        ) from error
    manifest = Manifest.from_json(text, path)
    check_known(manifest.requires.operators, str(path))
    return manifest


def _check_files(folder: Path, manifest: Manifest) -> None:
    for entry in manifest.files:
        _check_file(folder, entry)
    for name in (MODEL_NAME, TOKENIZER_NAME):
        if manifest.file(name) is None:
            raise ArtifactError(f"{folder / MANIFEST_NAME}: files does not list {name}: export the artifact again")


def _check_file(folder: Path, entry: FileEntry) -> None:
    path = folder / entry.name
    _refuse_way_out(folder, path)
    if not path.is_file():
        raise ArtifactError(f"{path} is missing: the artifact is incomplete, copy or export it again")
    size = path.stat().st_size
    if size != entry.size:
        raise ArtifactError(
            f"{path} has {size} bytes, the manifest says {entry.size}: copy or export the artifact again"
        )


def _refuse_way_out(folder: Path, path: Path) -> None:
    target = Path(os.path.realpath(path))  # Path.resolve raises on a loop of links
    if not target.is_relative_to(folder.resolve()):
        raise ArtifactError(f"{path} is a link to {target}, outside the artifact: copy the file itself into the folder")


def _check_hash(path: Path, entry: FileEntry) -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise unreadable(path, error) from error
    if found != entry.sha256:
        raise ArtifactError(
            f"{path} was changed after the export: SHA-256 {found[:12]}..., the manifest says "
            f"{entry.sha256[:12]}...: copy or export the artifact again"
        )


def _read_graph(folder: Path, manifest: Manifest) -> Graph:
    path = folder / MODEL_NAME
    data = read_file(path, LARGEST_GRAPH)
    try:
        graph = read_graph(data)
        sizes = {entry.name: entry.size for entry in manifest.files}
        check_graph(graph, str(path), sizes, manifest.requires.operators)
    except ArtifactError:
        # An altered file is told first: that may be what is wrong with it.
        _check_hashes(folder, [entry for entry in manifest.files if entry.name == MODEL_NAME])
        raise
    return graph
