"""What pages name of the command line and of targets is there, in prose as well as in blocks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from biolord_export.targets import TARGETS
from guards.readme import DOCS, PAGES, REPOSITORY

COMMAND_LINE = DOCS / "reference" / "cli.md"
NOT_OURS = re.compile(r"(?<![\w-])(?:pip|git|mkdocs|apt|docker) [^`\n]*")
GUIDES = [page for page in PAGES if page.is_relative_to(DOCS) and page != COMMAND_LINE]


def options(text: str) -> set[str]:
    """List the options that a text names in code letters or in a shell's block."""
    spans = [*re.findall(r"`[^`\n]+`", text), *re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)]
    return {option for span in spans for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", NOT_OURS.sub("", span))}


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_every_option_is_one(page: Path) -> None:
    """An option that was renamed or taken away is found where it is still recommended."""
    known = set(re.findall(r"--[a-z][a-z-]+", COMMAND_LINE.read_text(encoding="utf-8")))
    assert options(page.read_text(encoding="utf-8")) - known == set()


def test_options_are_found() -> None:
    """In spans and blocks; not in prose, in other programs' commands, or inside words."""
    text = "`--one` and `embed --two X`, --three, `a--four`, `pip install --five`\n```bash\nbiolord embed --six\n```\n"
    assert options(text) == {"--one", "--two", "--six"}


@pytest.mark.parametrize("page", [*GUIDES, REPOSITORY / "README.md"], ids=lambda page: page.stem)
def test_every_target_is_one(page: Path) -> None:
    """Likewise."""
    named = set(re.findall(r"`((?:cpu|cuda|portable)-[a-z0-9-]+)`", page.read_text(encoding="utf-8")))
    assert named - set(TARGETS) == set()
