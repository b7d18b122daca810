"""What the README tells people to type works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from guards.readme import README, REPOSITORY, RUNNABLE, SHOWN, Block, blocks

MINUTES_FOR_A_BLOCK = 15


def readme_blocks() -> list[Block]:
    """The blocks of the project's README."""
    return blocks(README.read_text(encoding="utf-8"))


def environment() -> dict[str, str]:
    """A shell in which this environment's commands come first, and no make around it is inherited."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {key: value for key, value in os.environ.items() if not key.startswith("MAKE")} | {"PATH": path}


def run(block: Block, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a block in a folder."""
    return subprocess.run(
        block.command(),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60 * MINUTES_FOR_A_BLOCK,
        check=False,
    )


def test_blocks_are_read_with_their_reasons() -> None:
    """A comment above a block is its reason, and only that block's."""
    markdown = (
        "text\n<!-- not run: needs a GPU -->\n```bash\nfirst\n```\n\n"
        "```python\nimport x\n\nx.y()\n```\n````text\n```\n````\n"
    )
    assert blocks(markdown) == [
        Block("bash", "first\n", 3, "needs a GPU"),
        Block("python", "import x\n\nx.y()\n", 7, None),
        Block("text", "```\n", 12, None),
    ]
    assert [block.is_run for block in blocks(markdown)] == [False, True, False]


@pytest.mark.parametrize(
    ("markdown", "message"),
    [
        ("```bash\nls\n", "line 1: the block isn't closed"),
        ("<!-- not run: why -->\nprose\n```bash\nls\n```\n", "line 2: a block has to follow"),
        ("<!-- not run: why -->\n", "a block has to follow"),
    ],
)
def test_a_muddled_document_is_refused(markdown: str, message: str) -> None:
    """An open fence or a stray comment can't hide a block from being run."""
    with pytest.raises(ValueError, match=message):
        blocks(markdown)


def test_a_comment_without_a_reason_excludes_nothing() -> None:
    """The reason is what buys the exception."""
    (block,) = blocks("<!-- not run: -->\n```bash\nls\n```\n")
    assert block.is_run


def test_a_block_fails_at_its_first_failing_command(tmp_path: Path) -> None:
    """A failure in the middle of a block or of a pipe is not covered up by what follows."""
    for text in ("false\ntrue\n", "false | cat\n", "echo $unset_variable\n"):
        assert run(Block("bash", text, 1, None), tmp_path).returncode != 0
    assert run(Block("python", "import warnings; warnings.warn('w')", 1, None), tmp_path).returncode != 0


def test_make_inside_a_block_is_a_dry_run_in_the_repository(tmp_path: Path) -> None:
    """A block may name make's targets without running the tests inside the tests; a wrong target fails."""
    assert run(Block("bash", "make test PYTHON=python3\n", 1, None), tmp_path).returncode == 0
    assert run(Block("bash", "make no-such-target\n", 1, None), tmp_path).returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_every_block_of_the_readme_is_run_or_says_why_not() -> None:
    """No block escapes by an unknown language, and something of each kind is run."""
    found = readme_blocks()
    unknown = [(block.line, block.language) for block in found if block.language not in RUNNABLE + SHOWN]
    assert unknown == []
    assert {block.language for block in found if block.is_run} == set(RUNNABLE)


def test_every_block_of_the_readme_is_well_formed() -> None:
    """Blocks that are not run are at least parsed, by bash and by Python."""
    for block in readme_blocks():
        if block.language == "python":
            compile(block.text, f"README.md:{block.line}", "exec")
        elif block.language == "bash":
            command = ["bash", "-n", "-c", block.text]
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            assert checked.returncode == 0, f"README.md:{block.line}: {checked.stderr}"


def test_every_make_target_in_the_readme_exists() -> None:
    """Prose and blocks name only targets that the Makefile has."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", README.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {inline or block for inline, block in named} - targets == set()


@pytest.mark.real
def test_the_blocks_of_the_readme_run_in_order(tmp_path: Path) -> None:
    """A reader who types the README from top to bottom meets no error."""
    for block in readme_blocks():
        if block.is_run:
            done = run(block, tmp_path)
            assert done.returncode == 0, f"README.md:{block.line}\n{block.text}\n{done.stdout}\n{done.stderr}"
