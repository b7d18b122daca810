"""Every environment variable has a line in the reference, and every line a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from guards.readme import DOCS, REPOSITORY

PAGE = DOCS / "reference" / "environment.md"
PRODUCT = ("runtime", "export", "kernels", "hatch_build.py")
AROUND = ("benchmarks/biolord_bench", "tests", "Makefile", ".ci/run")
SUFFIXES = (".py", ".cc", ".h")
OURS = re.compile(r"\bBIOLORD_[A-Z_]*[A-Z]\b")
# Read directly, or through a constant that is named for what it is.
READ = re.compile(
    r"""(?:environ(?:\.get|\.pop|\.setdefault)?|getenv)[(\[]\s*["']([A-Z_]+)["']|VARIABLE\w*\s*=\s*["']([A-Z_]+)["']"""
)
# Macros of the kernels' sources.
NO_VARIABLES = {"BIOLORD_KIND", "BIOLORD_WIDENS"}


def sources(places: tuple[str, ...]) -> Iterator[str]:
    """Yield the text of everything that may read a variable."""
    for place in places:
        root = REPOSITORY / place
        inside = (path for suffix in SUFFIXES for path in root.rglob(f"*{suffix}"))
        for path in [root] if root.is_file() else inside:
            if not {"node_modules", "documentation"} & {*path.parts}:
                yield path.read_text(encoding="utf-8")


def read_in(text: str) -> set[str]:
    """List the variables that a source reads."""
    return {name for found in READ.findall(text) for name in found if name}


def named_in_sources() -> set[str]:
    """List the variables of our name, wherever it stands, and those of other names that the product reads."""
    ours, around = ({name for text in sources(places) for name in OURS.findall(text)} for places in (PRODUCT, AROUND))
    # Patterns that tests match messages with may end in the middle of a name.
    whole = {name for name in around if not any(known.startswith(name) for known in described())}
    others = {name for text in sources(PRODUCT) for name in read_in(text)}
    return (ours | whole | others) - NO_VARIABLES


def described() -> set[str]:
    """List the variables that have a row."""
    return set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_every_variable_is_described() -> None:
    """A variable that nobody tells of is used by nobody, and changed by nobody who is asked why."""
    assert named_in_sources() - described() == set()


def test_every_description_is_of_a_variable() -> None:
    """None is described that nothing reads any more."""
    everywhere = "\n".join(sources(PRODUCT + AROUND))
    assert {name for name in described() if not re.search(rf"\b{name}\b", everywhere)} == set()


@pytest.mark.parametrize(
    "line",
    [
        'os.environ.get("SOME_NAME")',
        "os.environ['SOME_NAME']",
        'environ.pop(\n    "SOME_NAME", "")',
        'getenv("SOME_NAME")',
        'VARIABLE = "SOME_NAME"',
        '_VARIABLE_OF_OTHERS = "SOME_NAME"',
    ],
)
def test_every_way_to_read_one_is_found(line: str) -> None:
    """As Python and C++ do."""
    assert read_in(line) == {"SOME_NAME"}
