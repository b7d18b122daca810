"""The site is built so that a broken link fails; `make lint` builds it."""

from __future__ import annotations

import pytest

from guards.readme import DOCS, REPOSITORY


@pytest.mark.parametrize("file", ["Makefile", ".pre-commit-config.yaml"])
def test_warnings_are_counted(file: str) -> None:
    """With --quiet, mkdocs logs no warnings, and --strict counts those that are logged: none."""
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if "/mkdocs build" in line]
    assert commands
    assert all("--strict" in command and "-q" not in command for command in commands)


def test_every_page_is_in_the_navigation() -> None:
    """One that isn't is found by nobody; mkdocs only warns where a page of the navigation is missing."""
    navigation = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert [page for page in DOCS.rglob("*.md") if page.relative_to(DOCS).as_posix() not in navigation] == []
