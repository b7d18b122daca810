"""The public line: what docs/reference/stability.md promises is there, documented, and all there is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import biolord_onnx
from guards.readme import DOCS

RUNTIME = Path(biolord_onnx.__file__).parent
TABLE = re.compile(r"^\| `(biolord_onnx[\w.]*)` \| (.*) \|$", flags=re.MULTILINE)
# Modules of one file for each library: what is public in them is there for that library's users.
ADAPTERS = tuple(sorted((RUNTIME / "integrations").glob("[!_]*.py")))


def promised() -> dict[str, list[str]]:
    """Read the table: names by module."""
    page = (DOCS / "reference" / "stability.md").read_text(encoding="utf-8")
    return {module: re.findall(r"`(\w+)`", names) for module, names in TABLE.findall(page)}


def module_of(path: Path) -> str:
    """Return the dotted name of a file of the runtime."""
    return ".".join((RUNTIME.name, *path.relative_to(RUNTIME).with_suffix("").parts))


def public_names(source: str) -> Iterator[str]:
    """Yield the public classes and functions that a module defines."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name


def test_the_package_promises_what_it_exports() -> None:
    """No more and no less than `__all__`."""
    assert promised()["biolord_onnx"] == biolord_onnx.__all__


def test_no_module_is_promised_that_is_not_there() -> None:
    """The package and the adapters; nothing else is public."""
    assert set(promised()) == {"biolord_onnx", *map(module_of, ADAPTERS)}


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_an_adapter_promises_its_public_names(path: Path) -> None:
    """Read from its source: its library isn't installed here."""
    assert sorted(promised()[module_of(path)]) == sorted(public_names(path.read_text(encoding="utf-8")))


def test_every_promise_has_a_place_in_the_reference() -> None:
    """Each name, or for the errors their module, is rendered from its docstring."""
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    rendered = {directive.rsplit(".", 1)[-1] for directive in re.findall(r"^::: ([\w.]+)$", page, flags=re.MULTILINE)}
    errors = set(public_names((RUNTIME / "errors.py").read_text(encoding="utf-8")))
    assert {name for names in promised().values() for name in names} - errors - rendered == set()
    assert "errors" in rendered
