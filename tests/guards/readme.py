"""Reads the code blocks of README.md and docs/, so that the tests can run what they tell people to type.

Every ```bash and ```python block of a page runs, in order, in one working directory. A block that can't run in a test
says why in a comment on the line above it, which a reader of the rendered page doesn't see:

    <!-- not run: needs a GPU -->

Each ```bash block is its own `bash -euo pipefail`, so a `cd` or a variable doesn't outlive its block, and
each ```python block its own interpreter. Inside a block `make` is a dry run in the repository: what the
targets do is tested by the demo's own test and by being inside `make test`. Blocks in other languages show
output or files and are not run.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
PAGES = (README, REPOSITORY / "CONTRIBUTING.md", REPOSITORY / "RELEASE.md", *sorted(DOCS.rglob("*.md")))
"""Every page for users and contributors, the README first."""
RUNNABLE = ("bash", "python")
SHOWN = ("console", "json", "text", "js")  # js is compiled where the web example's package is tested

_REASON = re.compile(r"<!--\s*not run:\s*(?P<reason>\S.*?)\s*-->")
_FENCE = re.compile(r"(?P<fence>`{3,})(?P<language>\S*)\s*")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: The word behind the opening fence, possibly none.
        text: What stands between the fences, with a newline at the end of each line.
        line: Where the opening fence stands, from 1.
        reason: Why it isn't run; None for a block that is run or only shown.
    """

    language: str
    text: str
    line: int
    reason: str | None

    @property
    def is_run(self) -> bool:
        """Whether the tests run it."""
        return self.language in RUNNABLE and self.reason is None

    def command(self) -> list[str]:
        """Return the process that runs the block."""
        if self.language == "python":
            return [sys.executable, "-W", "error", "-c", self.text]
        dry_make = f'make() {{ command make --dry-run -C {shlex.quote(str(REPOSITORY))} "$@" > /dev/null; }}\n'
        return ["bash", "-euo", "pipefail", "-c", dry_make + self.text]


def blocks(markdown: str) -> list[Block]:
    """List the fenced blocks of a document.

    Raises:
        ValueError: A fence isn't closed, or a "not run" comment stands above something else than a block.
    """
    return list(_blocks(markdown.splitlines(keepends=True)))


def _blocks(lines: list[str]) -> Iterator[Block]:
    numbered = enumerate(lines, start=1)
    reason: str | None = None
    for number, line in numbered:
        opening = _FENCE.fullmatch(line)
        if opening is not None:
            text = _until(opening["fence"], numbered, number)
            yield Block(opening["language"], text, number, reason)
            reason = None
        elif reason is not None:
            raise ValueError(f"line {number}: a block has to follow the comment 'not run: {reason}'")
        elif (comment := _REASON.fullmatch(line.strip())) is not None:
            reason = comment["reason"]
    if reason is not None:
        raise ValueError(f"a block has to follow the comment 'not run: {reason}'")


def _until(fence: str, numbered: Iterator[tuple[int, str]], opened: int) -> str:
    text = ""
    for _, line in numbered:
        if line.rstrip() == fence:
            return text
        text += line
    raise ValueError(f"line {opened}: the block isn't closed")
