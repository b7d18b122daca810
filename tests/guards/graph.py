"""Reads from source code alone which modules of a package import which others of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Arrows = Mapping[str, set[str]]


def module_arrows(root: Path) -> Arrows:
    """Map each module of a package to those that it imports, in functions too; what only types need doesn't count.

    Args:
        root: the package's folder.
    """
    modules = {_dotted(path, root): path for path in sorted(root.rglob("*.py"))}
    return {
        name: {target for target in _imported(path.read_text(encoding="utf-8"), modules) if target != name}
        for name, path in modules.items()
    }


def room_arrows(arrows: Arrows) -> Arrows:
    """Take each folder of the package for one node; the modules beside the folders are nodes of their own."""
    rooms: dict[str, set[str]] = {}
    for name, targets in arrows.items():
        room = _room(name, arrows)
        rooms.setdefault(room, set()).update({_room(target, arrows) for target in targets} - {room})
    return rooms


def circle(arrows: Arrows) -> list[str]:
    """Return what imports itself by way of others, the first again at the end; nothing if there is no circle."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(name: str, arrows: Arrows) -> str:
    """A folder is told from a module by what lies in it."""
    head = ".".join(name.split(".")[:2])
    return f"{head}/" if any(other.startswith(f"{head}.") for other in arrows) else head


def _imported(source: str, modules: Mapping[str, Path]) -> Iterator[str]:
    for node in _running(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield from (name for name in (whole if whole in modules else node.module,) if name in modules)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield every node but what stands under ``if TYPE_CHECKING:``."""
    for child in ast.iter_child_nodes(tree):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from _running(child)
