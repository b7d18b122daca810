"""What the README and the pages of docs/ tell people to type works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from guards.readme import DOCS, PAGES, README, REPOSITORY, RUNNABLE, SHOWN, Block, blocks

MINUTES_FOR_A_BLOCK = 15
LONGEST_README = 140
MOST_ROWS = 6
ARTIFACT = "minilm-cpu-int8"
"""What the README exports and other pages use."""


def readme_blocks() -> list[Block]:
    """The blocks of the project's README."""
    return blocks(README.read_text(encoding="utf-8"))


def name(page: Path) -> str:
    """Return a page's path in the repository."""
    return page.relative_to(REPOSITORY).as_posix()


def missing_paths(text: str) -> Iterator[str]:
    """Yield what a page names in code letters, lies in a folder of the repository, and isn't there."""
    for path in re.findall(r"`((?:runtime|export|kernels|benchmarks|tests|docs|examples|\.github)/[\w./-]+)`", text):
        if "NAME" not in path and not (REPOSITORY / path).exists():
            yield path


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


def type_in(page: Path, folder: Path) -> None:
    """Run the blocks of a page, in order, until one fails."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.is_run:
            done = run(block, folder)
            assert done.returncode == 0, f"{name(page)}:{block.line}\n{block.text}\n{done.stdout}\n{done.stderr}"


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


def test_every_page_is_known() -> None:
    """Pages that are looked at are those there are, and no title stands twice."""
    titles = [page.read_text(encoding="utf-8").split("# ", 1)[1].splitlines()[0] for page in PAGES]
    assert len(set(titles)) == len(titles) - 1, "only the README and the site's front page share theirs"
    assert {README, DOCS / "index.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    """No block escapes by an unknown language."""
    found = [(block.line, block.language) for block in blocks(page.read_text(encoding="utf-8"))]
    assert [(line, language) for line, language in found if language not in RUNNABLE + SHOWN] == []


def test_something_of_each_kind_is_run() -> None:
    """The README shows both, and a test types both."""
    assert {block.language for block in readme_blocks() if block.is_run} == set(RUNNABLE)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_block_is_well_formed(page: Path) -> None:
    """Blocks that are not run are at least parsed, by bash, by Python and as JSON."""
    for block in blocks(page.read_text(encoding="utf-8")):
        if block.language == "python":
            compile(block.text, f"{name(page)}:{block.line}", "exec")
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "bash":
            command = ["bash", "-n", "-c", block.text]
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            assert checked.returncode == 0, f"{name(page)}:{block.line}: {checked.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_exists(page: Path) -> None:
    """Prose and blocks name only targets that the Makefile has."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", text, flags=re.MULTILINE)) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_of_the_repository_exists(page: Path) -> None:
    """A file that a page names is there: a recipe with last year's paths is worse than none."""
    assert list(missing_paths(page.read_text(encoding="utf-8"))) == []


def test_a_path_that_is_not_there_is_found() -> None:
    """Paths below the repository's folders are; placeholders, wildcards and other people's files aren't."""
    text = "`runtime/gone.py` `export/biolord_export/NAME.py` `tests/conftest.py` `names.txt` `docs/gone/`"
    assert list(missing_paths(text)) == ["runtime/gone.py", "docs/gone/"]


@pytest.mark.parametrize("page", [README, REPOSITORY / "CONTRIBUTING.md"], ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Links of pages outside the site, which mkdocs doesn't look at."""
    found = re.findall(r"\]\((?!https://)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [target for target in found if not (REPOSITORY / target).exists()] == []


def test_the_readme_is_short() -> None:
    """It is a front page with one table of a few rows; everything else has a page in docs/."""
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_README
    table = [line for line in lines if line.startswith("|")]
    assert len(table) <= len(("head", "rule")) + MOST_ROWS


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README was typed from top to bottom."""
    folder = tmp_path_factory.mktemp("readme")
    type_in(README, folder)
    return folder


@pytest.mark.real
def test_a_reader_of_the_readme_meets_no_error(typed: Path) -> None:
    """Typed from top to bottom, every block ends well, and the artifact that the other pages use is there."""
    assert (typed / ARTIFACT / "manifest.json").is_file()


@pytest.mark.real
@pytest.mark.parametrize("page", [page for page in PAGES if page != README], ids=name)
def test_a_reader_of_a_page_meets_no_error(page: Path, typed: Path, tmp_path: Path) -> None:
    """Each page can be typed by itself, with nothing but the artifact that the README makes."""
    (tmp_path / ARTIFACT).symlink_to(typed / ARTIFACT)
    type_in(page, tmp_path)
