"""The packages of the distribution import each other in one direction."""

from __future__ import annotations

import pytest

from guards.imports import imports_of, sources
from guards.readme import REPOSITORY

ALLOWED = {
    "runtime/biolord_onnx": {"biolord_onnx"},
    "export/biolord_export": {"biolord_export", "biolord_onnx"},
    "benchmarks/biolord_bench": {"biolord_bench", "biolord_onnx"},
}
# What runs in an environment where the exporter is, or prepares it.
USES_EXPORTER = {"peers/convert.py"}


@pytest.mark.parametrize("folder", ALLOWED)
def test_arrows_point_to_the_runtime(folder: str) -> None:
    """The runtime knows neither exporter nor benchmark, and of these neither knows the other."""
    root = REPOSITORY / folder
    found = {
        path.relative_to(root).as_posix(): wrong
        for path in sources(root)
        if (wrong := {one.package for one in imports_of(path.read_text("utf-8"))} & _ours() - ALLOWED[folder])
    }
    assert {name: wrong for name, wrong in found.items() if name not in USES_EXPORTER} == {}


def _ours() -> set[str]:
    return {folder.rpartition("/")[2] for folder in ALLOWED}
