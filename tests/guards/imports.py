"""Reads from source code alone what a package imports."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ALLOWED = frozenset({"numpy", "onnxruntime", "tokenizers"})
OPTIONAL = frozenset({"pandas", "pyarrow", "pyspark", "ray", "tqdm"})
# Each adapter's module is the place where its library is used.
INTEGRATIONS = frozenset({"asyncio", "chromadb", "haystack", "langchain_core", "llama_index"})
# What the server's modules are made of: they are the place where it is used, and are themselves imported in functions.
SERVER = frozenset(
    {
        "asyncio",
        "fastapi",
        "h11",
        "orjson",
        "prometheus_client",
        "pydantic",
        "socket",
        "starlette",
        "swagger_ui_bundle",
        "uvicorn",
    }
)
SERVER_PACKAGE = "biolord_onnx.server"
# Of the standard library: what opens connections, and what runs code out of data.
REFUSED = frozenset(
    {
        "asyncio",
        "ftplib",
        "http",
        "marshal",
        "pickle",
        "shelve",
        "smtplib",
        "socket",
        "ssl",
        "urllib",
        "xmlrpc",
    }
)
# Parts of those that do neither.
HARMLESS = frozenset({"urllib.parse"})
DYNAMIC = frozenset({"import_module", "__import__"})


@dataclass(frozen=True)
class Import:
    """An import found in a source: the top-level package, the line, and whether it runs with the module."""

    package: str
    line: int
    at_module_level: bool


@cache
def imports_of(source: str) -> tuple[Import, ...]:
    """List every import of a source, those by `import_module("name")` included.

    What stands under `if TYPE_CHECKING:` never runs and counts as being inside a function.
    """
    return tuple(_walk(ast.parse(source), at_module_level=True))


def violations(source: str, package: str, also: frozenset[str] = frozenset()) -> list[str]:
    """Say what a source of `package` imports that it may not, one line each; ``also`` may be imported, too."""
    return [
        f"line {found.line}: {complaint}"
        for found in imports_of(source)
        if found.package not in also and (complaint := _complaint(found, package)) is not None
    ]


def imports_server(source: str) -> bool:
    """Whether a source imports the server, and with it its packages, as soon as it is imported itself."""
    tree = ast.parse(source)
    return any(
        isinstance(node, ast.ImportFrom) and (node.module or "").startswith(SERVER_PACKAGE) for node in tree.body
    )


def sources(folder: Path) -> list[Path]:
    """List the Python files below a folder."""
    return sorted(folder.rglob("*.py"))


def _complaint(found: Import, package: str) -> str | None:
    name = found.package
    if name == package or name in ALLOWED | HARMLESS:
        return None
    if name in OPTIONAL:
        return f"{name} is optional: import it where it is used" if found.at_module_level else None
    if name in REFUSED:
        return f"{name} has no place here"
    return None if name in sys.stdlib_module_names else f"{name} is no dependency"


def _walk(node: ast.AST, *, at_module_level: bool) -> Iterator[Import]:
    yield from _imports_at(node, at_module_level=at_module_level)
    for child in ast.iter_child_nodes(node):
        deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _is_type_checking(child)
        yield from _walk(child, at_module_level=at_module_level and not deferred)


def _imports_at(node: ast.AST, *, at_module_level: bool) -> Iterator[Import]:
    match node:
        case ast.Import(names=names):
            for alias in names:
                yield Import(alias.name.partition(".")[0], node.lineno, at_module_level)
        case ast.ImportFrom(module=module, level=level):
            package = "." * level if level else module or ""
            whole = package if package in HARMLESS else package.partition(".")[0] or package
            yield Import(whole, node.lineno, at_module_level)
        case ast.Call(func=function, args=[ast.Constant(value=str(name)), *_]) if _name(function) in DYNAMIC:
            yield Import(name.partition(".")[0], node.lineno, at_module_level)
        case _:
            pass


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING"


def _name(node: ast.expr) -> str | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return None
