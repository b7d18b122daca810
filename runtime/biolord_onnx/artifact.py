"""Opening an artefact folder: what can be checked without onnxruntime is checked here."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from biolord_onnx.errors import ArtifactError
from biolord_onnx.installed import installed_artefacts, normalise
from biolord_onnx.manifest import MANIFEST_NAME, MODEL_NAME, PIECES_NAME, TOKENIZER_NAME, FileEntry, Manifest
from biolord_onnx.onnx_file import external_locations
from biolord_onnx.stamps import StampedFiles, sha256_of

_FORBIDDEN_IN_NAMES = frozenset("/\\:")
_LONGEST_NAME = 255  # bytes, on common file systems


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artefact folder that passed the checks of `open_artifact`.

    Attributes:
        path: the folder, absolute and without links: what a link points to later makes no difference.
        manifest: as it was read.
        document: the bytes of the manifest.
        files: tells whether the others are still what they were.
    """

    path: Path
    manifest: Manifest
    document: bytes
    files: StampedFiles = field(compare=False)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest, which holds the hashes of all other files."""
        return hashlib.sha256(self.document).hexdigest()

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
    """Check an artefact folder and read its manifest.

    Args:
        path: the folder that ``biolord export`` wrote, or the name of an installed artefact; a folder of that name
            wins. A ``~`` in front is the home folder.
        verify_hashes: compare the SHA-256 of every file with the manifest's; sizes are always compared.
        fingerprint: of the one artifact to accept, see `Artifact.fingerprint`; None for any.

    Returns:
        The artefact, whose files can be loaded.

    Raises:
        ArtifactError: a file is missing, unreadable, altered or leads out of the folder, or the manifest is
            malformed or of a later format; or the artifact is another one than expected.
    """
    folder = Path(os.path.realpath(_find_folder(Path(path))))
    document = _read_document(folder)
    manifest = _parse_document(document, folder)
    _check_files(folder, manifest)
    # Before any content is read: all that is read from now on is of these files, or it is noticed.
    artifact = Artifact(folder, manifest, document, StampedFiles(folder, manifest.files))
    _check_fingerprint(artifact, fingerprint)
    if verify_hashes:
        check_hashes(artifact)
    _check_external_data(folder, manifest)
    return artifact


def find_fingerprint(path: Path | str) -> str | None:
    """Return the fingerprint of an artifact, of which only the manifest is read; None where there is none.

    Raises:
        ArtifactError: the manifest can't be read.
    """
    try:
        folder = _find_folder(Path(path))
    except ArtifactError:
        return None
    return hashlib.sha256(_read_document(folder)).hexdigest() if (folder / MANIFEST_NAME).is_file() else None


def _check_fingerprint(artifact: Artifact, expected: str | None) -> None:
    if expected not in {None, artifact.fingerprint}:
        raise ArtifactError(
            f"{artifact.path} holds the artifact with fingerprint {artifact.fingerprint[:12]}..., expected "
            f"{str(expected)[:12]}...: it was replaced since, start again to use the new one"
        )


def _find_folder(path: Path) -> Path:
    if path.is_dir():
        return path
    path = _expand_home(path)
    if path.is_dir():
        return path
    if path.exists():
        raise ArtifactError(f"{path} is a file, expected the artefact folder that biolord export writes")
    installed = installed_artefacts() if len(path.parts) == 1 else {}
    found = installed.get(normalise(path.name))
    if found is None:
        known = f"; installed artefacts: {', '.join(sorted(installed))}" if installed else ""
        raise ArtifactError(f"{path} does not exist, expected the artefact folder that biolord export writes{known}")
    return found


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # nobody of that name has a home: a path that doesn't exist
        return path


def check_hashes(artifact: Artifact, only: str | None = None) -> None:
    """Compare the SHA-256 of files with the manifest's.

    Args:
        artifact: the artefact.
        only: the name of the one file to look at; None for all.

    Raises:
        ArtifactError: a file is unreadable or was altered.
    """
    for entry in artifact.manifest.files:
        if only in {None, entry.name}:
            _check_hash(artifact.path / entry.name, entry)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an artefact folder without looking at the other files."""
    return _parse_document(_read_document(folder), folder)


def _read_document(folder: Path) -> bytes:
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise ArtifactError(f"{folder} has no {MANIFEST_NAME}: it is not an artefact, or its export was interrupted")
    return _read(path)


def _parse_document(document: bytes, folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{path} is not UTF-8 ({error.reason} at byte {error.start}): export the artefact again"
        ) from error
    return Manifest.from_json(text, path)


def is_plain_name(name: str) -> bool:
    """Whether ``name`` is the name of a file in a folder and can't lead anywhere else, on any system."""
    if name in {"", ".", ".."} or not name.isprintable() or _FORBIDDEN_IN_NAMES.intersection(name):
        return False
    return len(name.encode()) <= _LONGEST_NAME


def _check_files(folder: Path, manifest: Manifest) -> None:
    for entry in manifest.files:
        _check_file(folder, entry)
    for name in (MODEL_NAME, TOKENIZER_NAME):
        if manifest.file(name) is None:
            raise ArtifactError(f"{folder / MANIFEST_NAME}: files does not list {name}: export the artefact again")


def _check_file(folder: Path, entry: FileEntry) -> None:
    path = folder / entry.name
    if not is_plain_name(entry.name):
        raise ArtifactError(
            f"{folder / MANIFEST_NAME}: {entry.name!r} is not a plain file name: don't use this artefact"
        )
    target = Path(os.path.realpath(path))  # Path.resolve raises on a loop of links
    if not target.is_relative_to(folder.resolve()):
        raise ArtifactError(f"{path} is a link to {target}, outside the artefact: copy the file itself into the folder")
    if not path.is_file():
        raise ArtifactError(f"{path} is missing: the artefact is incomplete, copy or export it again")
    size = path.stat().st_size
    if size != entry.size:
        raise ArtifactError(
            f"{path} has {size} bytes, the manifest says {entry.size}: copy or export the artefact again"
        )


def _check_hash(path: Path, entry: FileEntry) -> None:
    try:
        found = sha256_of(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != entry.sha256:
        raise ArtifactError(
            f"{path} was changed after the export: SHA-256 {found[:12]}..., the manifest says "
            f"{entry.sha256[:12]}...: copy or export the artefact again"
        )


def _check_external_data(folder: Path, manifest: Manifest) -> None:
    for location in sorted(external_locations(_read(folder / MODEL_NAME))):
        if not is_plain_name(location) or manifest.file(location) is None:
            raise ArtifactError(
                f"{folder / MODEL_NAME} takes weights from {location!r}, which the manifest does not list: "
                "don't use this artefact"
            )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(f"{path} can't be read ({error.strerror}): check its permissions")
