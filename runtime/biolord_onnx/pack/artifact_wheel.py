"""An artifact as a wheel: its folder becomes a package, found by name through an entry point."""

from __future__ import annotations

import re
from pathlib import Path

from biolord_onnx import __version__
from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.installed import ENTRY_POINT_GROUP, normalize
from biolord_onnx.errors import InputError
from biolord_onnx.pack.contents import artifact_members
from biolord_onnx.pack.wheel import Member, WheelName, write_wheel
from biolord_onnx.printable import escape

NOTICE_NAME = "NOTICE"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# The public part of a version as PEP 440 has it, and a local label.
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?")
# The same for every artifact: nothing that a manifest says becomes source.
_PACKAGE = b'"""An artifact of biolord-onnx: biolord_onnx.Embedder.load takes the name of this distribution."""\n'


def engine_extra(artifact: Artifact) -> str:
    """Return the extra of this project that brings the engine for an artifact."""
    return "cuda" if artifact.manifest.target.startswith("cuda") else "cpu"


def name_wheel(artifact: Artifact, name: str | None = None, version: str | None = None) -> WheelName:
    """Choose what a wheel of an artifact is called.

    Args:
        artifact: Goes into it.
        name: None for the artifact's own.
        version: None for one that follows from the content: pip then replaces an artifact by another of its name.

    Raises:
        InputError: Package indexes allow no such name or version.
    """
    wanted = artifact.manifest.name if name is None else name
    chosen = normalize(wanted)
    if not _NAME.fullmatch(chosen):
        raise InputError(f"{wanted!r} can't name a package: give --name with letters, digits and hyphens")
    if version is not None and not _VERSION.fullmatch(version):
        raise InputError(f"--version is {version!r}, expected a version like 1.0 or 1.0+site2 (PEP 440)")
    return WheelName(chosen, version or f"{artifact.manifest.format}+sha{artifact.fingerprint[:12]}")


def name_image(artifact: Artifact) -> str:
    """Return a name for a container's image that neither docker nor a shell takes for anything else."""
    chosen = normalize(artifact.manifest.name)
    return chosen if _NAME.fullmatch(chosen) else "biolord-artifact"


def write_artifact_wheel(artifact: Artifact, folder: Path, name: WheelName) -> Path:
    """Write the wheel of an artifact.

    Args:
        artifact: Whose hashes were checked.
        folder: Where the wheel goes; it exists.
        name: Of the wheel.

    Returns:
        The wheel's path.

    Raises:
        ArtifactError: A file was changed meanwhile, or isn't one that artifacts have.
        OSError: The wheel can't be written.
    """
    package = f"artifact_{name.name.replace('-', '_')}"
    members = artifact_members(artifact, package)
    members += [
        Member(f"{package}/__init__.py", _PACKAGE),
        Member(f"{name.info}/METADATA", _metadata(artifact, name).encode()),
        Member(f"{name.info}/entry_points.txt", f"[{ENTRY_POINT_GROUP}]\n{name.name} = {package}\n".encode()),
        Member(f"{name.info}/licenses/{NOTICE_NAME}", f"{artifact.manifest.license}\n".encode()),
    ]
    path = folder / name.file
    write_wheel(path, name, members)
    return path


def _metadata(artifact: Artifact, name: WheelName) -> str:
    manifest = artifact.manifest
    headers = (
        ("Metadata-Version", "2.4"),
        ("Name", name.name),
        ("Version", name.version),
        ("Summary", f"{manifest.name}: an artifact for biolord-onnx, {manifest.target}, {manifest.dim} dimensions"),
        ("License-File", NOTICE_NAME),
        # Package indexes refuse it: the weights' license restricts who may pass them on.
        ("Classifier", "Private :: Do Not Upload"),
        ("Requires-Python", ">=3.11"),
        ("Requires-Dist", f"biolord-onnx[{engine_extra(artifact)}]>={__version__}"),
        ("Description-Content-Type", "text/plain"),
    )
    # A line break in a value would begin another header, or the body.
    lines = [f"{key}: {escape(value)}\n" for key, value in headers]
    return f"{''.join(lines)}\n{manifest.license}\n"
