"""What goes into a pack of an artifact: its files as they were checked, and no others."""

from __future__ import annotations

from pathlib import PurePath

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import MANIFEST_NAME
from biolord_onnx.errors import ArtifactError
from biolord_onnx.pack.wheel import Member

# Nothing among them that Python would import from the package that a wheel makes of the folder.
_NAMES = frozenset({"NOTICE"})
_ENDINGS = frozenset({".onnx", ".data", ".json", ".bin"})


def artifact_members(artifact: Artifact, folder: str) -> list[Member]:
    """Return an artifact's files, to be put below a folder.

    Raises:
        ArtifactError: A file is none that an artifact has, code, say, or has the name of another.
    """
    entries = artifact.manifest.files
    for entry in entries:
        if entry.name not in _NAMES and PurePath(entry.name).suffix not in _ENDINGS:
            raise ArtifactError(
                f"{artifact.path / MANIFEST_NAME} lists {entry.name!r}, expected NOTICE or a name that ends in one of "
                f"{', '.join(sorted(_ENDINGS))}: a pack holds nothing else"
            )
    manifest = Member(f"{folder}/{MANIFEST_NAME}", artifact.document)
    return [manifest, *(Member(f"{folder}/{file.name}", artifact.path / file.name, file.sha256) for file in entries)]
