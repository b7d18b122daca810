"""Artifacts that were installed as packages, found by name."""

from __future__ import annotations

from pathlib import Path

# A wheel of ``biolord pack`` has one entry point in it: the artifact's name, and the package that is its folder.
ENTRY_POINT_GROUP = "biolord_onnx.artifacts"


def installed_artifacts() -> dict[str, Path]:
    """Return the folders of all installed artifacts by name."""
    from importlib.metadata import entry_points  # takes longer to import than all the rest of this package

    return {
        point.name: Path(str(point.dist.locate_file(point.value)))
        for point in entry_points(group=ENTRY_POINT_GROUP)
        if point.dist is not None
    }


def normalize(name: str) -> str:
    """Return a name as package indexes compare it: lower case, single hyphens.

    Source: https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return "-".join(part for part in name.lower().replace("_", "-").replace(".", "-").split("-") if part)
