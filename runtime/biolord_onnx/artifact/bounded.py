"""Reading files whose size comes from an untrusted manifest."""

from __future__ import annotations

import os
from pathlib import Path

from biolord_onnx.errors import ArtifactError


def read_file(path: Path, most: int) -> bytes:
    """Read a small file of an artifact.

    Args:
        path: The file.
        most: bytes that it may have; a sparse file of any size takes no room on a disk.

    Raises:
        ArtifactError: It is unreadable or larger.
    """
    try:
        with path.open("rb") as stream:
            # Room for what is asked for is taken at once, so no more than the file has.
            size = os.fstat(stream.fileno()).st_size
            data = stream.read(min(size, most) + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) > most:
        raise ArtifactError(f"{path} has {path.stat().st_size} bytes, expected {most} at most: don't use this artifact")
    return data


def unreadable(path: Path, error: OSError) -> ArtifactError:
    """Build the error for a file that the system doesn't let us read."""
    return ArtifactError(f"{path} can't be read ({error.strerror}): check its permissions, or copy the artifact again")
