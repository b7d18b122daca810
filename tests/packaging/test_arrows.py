"""The packages of the distribution import each other in one direction."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from guards.graph import circle, module_arrows, room_arrows
from guards.imports import imports_of, sources
from guards.readme import REPOSITORY

ALLOWED = {
    "runtime/biolord_onnx": {"biolord_onnx"},
    "export/biolord_export": {"biolord_export", "biolord_onnx"},
    "benchmarks/biolord_bench": {"biolord_bench", "biolord_onnx"},
}
# What runs in an environment where the exporter is, or prepares it.
USES_EXPORTER = {"peers/convert.py"}
MOST_FILES = 15


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


@pytest.mark.parametrize("folder", ALLOWED)
def test_no_module_imports_itself_by_way_of_others(folder: str) -> None:
    """Neither at import nor later, in functions."""
    assert circle(module_arrows(REPOSITORY / folder)) == []


@pytest.mark.parametrize("folder", ALLOWED)
def test_rooms_stand_above_each_other(folder: str) -> None:
    """Folders can be read one after the other: none needs one that needs it."""
    rooms = room_arrows(module_arrows(REPOSITORY / folder))
    assert len(rooms) > 5
    assert circle(rooms) == []


@pytest.mark.parametrize("folder", ALLOWED)
def test_no_folder_is_crowded(folder: str) -> None:
    """A reader gets chapters of fifteen files at most."""
    crowds = Counter(path.parent.relative_to(REPOSITORY).as_posix() for path in sources(REPOSITORY / folder))
    assert {name: files for name, files in crowds.items() if files > MOST_FILES} == {}


def test_no_folder_of_kernels_is_crowded() -> None:
    """Nor of C++."""
    files = [path for path in (REPOSITORY / "kernels").rglob("*") if path.suffix in {".cc", ".h"}]
    crowds = Counter(path.parent.relative_to(REPOSITORY).as_posix() for path in files)
    assert crowds
    assert {name: count for name, count in crowds.items() if count > MOST_FILES} == {}


def test_circles_are_found(tmp_path: Path) -> None:
    """Of modules, and of folders whose modules stand in none; an import that only types need makes none."""
    package = tmp_path / "house"
    sources = {
        "__init__": "",
        "attic/__init__": "",
        "attic/roof": "def f():\n    from house.cellar import stairs",
        "attic/window": "import house.errors",
        "cellar/__init__": "",
        "cellar/stairs": "from house.errors import E",
        "errors": "if TYPE_CHECKING:\n    from house.attic import window",
    }
    for name, source in sources.items():
        path = package / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    arrows = module_arrows(package)
    assert arrows["house.attic.roof"] == {"house.cellar.stairs"}
    assert circle(room_arrows(arrows)) == []
    up = {**arrows, "house.cellar.stairs": {"house.attic.window"}}
    assert circle(up) == []
    assert sorted(set(circle(room_arrows(up)))) == ["house.attic/", "house.cellar/"]
    assert set(circle({**arrows, "house.errors": {"house.attic.window"}})) == {"house.errors", "house.attic.window"}


def _ours() -> set[str]:
    return {folder.rpartition("/")[2] for folder in ALLOWED}
