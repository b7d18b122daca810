"""The page on installing names every extra, and what it brings."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from guards.readme import DOCS, REPOSITORY

PAGE = DOCS / "install.md"
# Brought by an extra for others to use, and of no interest to who installs it.
UNSAID = {"tqdm", "h11", "protobuf", "swagger-ui-bundle", "pyarrow"}


def extras() -> dict[str, list[str]]:
    """Read pyproject.toml: names of distributions by extra."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        extra: [re.split(r"[\[>=<]", requirement)[0] for requirement in requirements]
        for extra, requirements in project["optional-dependencies"].items()
    }


def rows() -> Iterator[tuple[list[str], str]]:
    """Yield each row of the table: its extras, and what it says they bring."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if re.match(r"\| `[a-z-]+`", line):
            _, names, brings, *_ = line.split("|")
            yield re.findall(r"`([a-z-]+)`", names), brings


def test_every_extra_has_a_row() -> None:
    """And no row is of an extra that is gone."""
    assert sorted(name for names, _ in rows() for name in names) == sorted(extras())


def test_a_row_of_one_extra_names_what_it_brings() -> None:
    """By the names on the package index."""
    known = extras()
    for names, brings in rows():
        if len(names) == 1:
            unsaid = [name for name in known[names[0]] if name not in UNSAID and name not in brings.replace("_", "-")]
            assert unsaid == [], names[0]
