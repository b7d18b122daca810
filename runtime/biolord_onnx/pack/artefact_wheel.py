"""An artefact as a wheel: its folder becomes a package, found by name through an entry point."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from biolord_onnx import __version__
from biolord_onnx.artifact import Artifact
from biolord_onnx.errors import InputError
from biolord_onnx.installed import ENTRY_POINT_GROUP, normalise
from biolord_onnx.manifest import MANIFEST_NAME
from biolord_onnx.pack.wheel import Member, WheelName, write_wheel

NOTICE_NAME = "NOTICE"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
# The public part of a version as PEP 440 has it, and a local label.
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?(\.post[0-9]+)?(\.dev[0-9]+)?(\+[a-z0-9]+(\.[a-z0-9]+)*)?")


def engine_extra(artifact: Artifact) -> str:
    """Return the extra of this project that brings the engine for an artefact."""
    return "cuda" if artifact.manifest.target.startswith("cuda") else "cpu"


def name_wheel(artifact: Artifact, name: str | None = None, version: str | None = None) -> WheelName:
    """Choose what a wheel of an artefact is called.

    Args:
        artifact: goes into it.
        name: None for the artefact's own.
        version: None for one that follows from the content, so that pip replaces an artefact by another of its name.

    Raises:
        InputError: package indexes allow no such name or version.
    """
    wanted = name or artifact.manifest.name
    chosen = normalise(wanted)
    if not _NAME.fullmatch(chosen):
        raise InputError(f"{wanted!r} can't name a package: give --name with letters, digits and hyphens")
    if version is not None and not _VERSION.fullmatch(version):
        raise InputError(f"--version is {version!r}, expected a version like 1.0 or 1.0+site2 (PEP 440)")
    # The manifest holds the hashes of all other files.
    digest = hashlib.sha256((artifact.path / MANIFEST_NAME).read_bytes()).hexdigest()
    return WheelName(chosen, version or f"{artifact.manifest.format}+sha{digest[:12]}")


def write_artefact_wheel(artifact: Artifact, folder: Path, name: WheelName) -> Path:
    """Write the wheel of an artefact.

    Args:
        artifact: whose hashes were checked.
        folder: where the wheel goes; it exists.
        name: of the wheel.

    Returns:
        The wheel's path.

    Raises:
        OSError: the wheel can't be written.
    """
    package = f"artefact_{name.name.replace('-', '_')}"
    names = [MANIFEST_NAME, *(entry.name for entry in artifact.manifest.files)]
    members = [Member(f"{package}/{file}", artifact.path / file) for file in names]
    docstring = f'"""The artefact {artifact.manifest.name}; biolord_onnx.Embedder.load({name.name!r}) loads it."""\n'
    members += [
        Member(f"{package}/__init__.py", docstring.encode()),
        Member(f"{name.info}/METADATA", _metadata(artifact, name).encode()),
        Member(f"{name.info}/entry_points.txt", f"[{ENTRY_POINT_GROUP}]\n{name.name} = {package}\n".encode()),
        Member(f"{name.info}/licenses/{NOTICE_NAME}", f"{artifact.manifest.licence}\n".encode()),
    ]
    path = folder / name.file
    write_wheel(path, name, members)
    return path


def _metadata(artifact: Artifact, name: WheelName) -> str:
    manifest = artifact.manifest
    return "\n".join(
        [
            "Metadata-Version: 2.4",
            f"Name: {name.name}",
            f"Version: {name.version}",
            f"Summary: {manifest.name}: an artefact for biolord-onnx, {manifest.target}, {manifest.dim} dimensions",
            f"License-File: {NOTICE_NAME}",
            # Package indexes refuse it: the weights' licence doesn't let everybody pass them on.
            "Classifier: Private :: Do Not Upload",
            "Requires-Python: >=3.11",
            f"Requires-Dist: biolord-onnx[{engine_extra(artifact)}]>={__version__}",
            "Description-Content-Type: text/plain",
            "",
            manifest.licence,
            "",
        ]
    )
