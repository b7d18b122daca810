"""Every environment variable has a line in the reference, and every line a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from guards.readme import DOCS, REPOSITORY

PAGE = DOCS / "reference" / "environment.md"
READ_BY_US = ("runtime", "export", "kernels", "benchmarks/biolord_bench", "hatch_build.py", "tests", "Makefile", ".ci/run")
SUFFIXES = {".py", ".cc", ".h", ""}
OURS = re.compile(r"\b(?:BIOLORD|ORT|XDG)_[A-Z][A-Z_]+[A-Z]\b")
READ = re.compile(r"""(?:environ(?:\.get|\.pop|\.setdefault)?|getenv)[(\[]\s*["']([A-Z_]+)["']""")
# Macros of the kernels' sources.
NO_VARIABLES = {"BIOLORD_KIND", "BIOLORD_WIDENS"}
# Read by tests and by programs around us; users of this project set none of them for its sake.
OTHERS = {"PATH", "HF_HUB_OFFLINE", "HF_HOME"}


def sources() -> Iterator[str]:
    """Yield the text of everything that may read a variable."""
    for place in READ_BY_US:
        root = REPOSITORY / place
        for path in [root] if root.is_file() else root.rglob("*"):
            inside = path.is_file() and path.suffix in SUFFIXES and "node_modules" not in path.parts
            if inside and "documentation" not in path.parts and "_native" not in path.parts:
                yield path.read_text(encoding="utf-8")


def named_in_sources() -> set[str]:
    """List the variables of our name, wherever it stands, and those of other names that are read."""
    texts = list(sources())
    ours = {name for text in texts for name in OURS.findall(text) if not name.startswith(("ORT_", "XDG_"))}
    return (ours | {name for text in texts for name in READ.findall(text)}) - NO_VARIABLES - OTHERS


def described() -> set[str]:
    """List the variables that have a row."""
    return set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_every_variable_is_described() -> None:
    """A variable that nobody tells of is used by nobody, and changed by nobody who is asked why."""
    assert named_in_sources() - described() == set()


def test_every_description_is_of_a_variable() -> None:
    """None is described that nothing reads any more."""
    everywhere = "\n".join(sources())
    assert {name for name in described() if name not in everywhere} == set()


@pytest.mark.parametrize(
    "line",
    [
        'os.environ.get("SOME_NAME")',
        "os.environ['SOME_NAME']",
        'environ.pop(\n    "SOME_NAME", "")',
        'getenv("SOME_NAME")',
    ],
)
def test_every_way_to_read_one_is_found(line: str) -> None:
    """As Python and C++ read them."""
    assert READ.findall(line) == ["SOME_NAME"]
