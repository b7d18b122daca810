"""Every pip command in a message works in an environment that has nothing yet: it brings an onnxruntime."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from biolord_onnx.install import install_hint

ROOT = Path(__file__).parents[2]
SOURCES = [path for place in ("runtime", "export", "benchmarks") for path in sorted((ROOT / place).rglob("*.py"))]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
IN_BRACKETS = re.compile(r"biolord-onnx\[([a-z,-]+)\]")
ENGINE = re.compile(r"onnxruntime(-gpu|-openvino)?(?![\w-])")


def brings_onnxruntime(extras: list[str]) -> bool:
    """Tell whether one of several extras, which must all be there, has an onnxruntime."""
    return any(ENGINE.match(requirement) for extra in extras for requirement in EXTRAS[extra])


def hints(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Find the extras that a source file's messages name, and their lines."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for match in IN_BRACKETS.finditer(node.value):
                yield node.lineno, match[1].split(",")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == install_hint.__name__:
            yield node.lineno, ["cpu", *(ast.literal_eval(argument) for argument in node.args)]


def test_every_hint_works_from_nothing() -> None:
    """Its extras are there, and one of them brings an onnxruntime."""
    found = {f"{path.relative_to(ROOT)}:{line}": extras for path in SOURCES for line, extras in hints(path)}
    assert len(found) > 12
    assert {place: extras for place, extras in found.items() if not brings_onnxruntime(extras)} == {}


def test_the_search_finds_a_hint_that_does_not_work(tmp_path: Path) -> None:
    """Written out, in a literal or in a call, an extra alone is found out."""
    source = tmp_path / "module.py"
    source.write_text("x = f\"{y}: pip install 'biolord-onnx[serve]'\"\nz = install_hint('ray')\n", encoding="utf-8")
    found = [extras for _, extras in sorted(hints(source))]
    assert found == [["serve"], ["cpu", "ray"]]
    assert [brings_onnxruntime(extras) for extras in found] == [False, True]


@pytest.mark.parametrize(("installed", "engine"), [(False, "cpu"), (True, "cuda")])
def test_the_onnxruntime_for_gpus_is_not_joined_by_the_other(
    monkeypatch: pytest.MonkeyPatch, installed: bool, engine: str
) -> None:
    """Two in one environment overwrite each other's files."""

    def distribution(name: str) -> object:
        if not installed:
            raise PackageNotFoundError(name)
        return object()

    monkeypatch.setattr("importlib.metadata.distribution", distribution)
    assert install_hint("serve") == f"pip install 'biolord-onnx[{engine},serve]'"
    assert install_hint() == f"pip install 'biolord-onnx[{engine}]'"
