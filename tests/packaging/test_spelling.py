"""One language: American English, in prose, identifiers, messages and the names of files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from guards.readme import REPOSITORY

FOLDERS = ("runtime", "export", "benchmarks", "tests", "examples", "docs", "kernels", ".github")
SUFFIXES = {".py", ".md", ".toml", ".yml", ".html", ".mjs", ".cc", ".h", ".txt"}
# Texts that are data, somebody else's, or this list.
DATA = (
    "export/biolord_export/data/",
    "tests/packaging/test_spelling.py",
)
BRITISH = re.compile(
    r"artefact|(?:quant|normal|token|optim|initial|recogn|general|random|summar|serial|material|visual|special|util)"
    r"is(?:e|er|ers|ed|es|ing|ation)(?![a-z])|licence|behaviour|colour|neighbour|favour|honour|[ck]entre|labell|modell(?=e|i)"
    r"|cancelled(?!error|\()|(?:kilo|centi|milli)?metres|spelt|spoilt|learnt|analyse",
    re.IGNORECASE,
)


def _files() -> Iterator[Path]:
    yield from (path for path in REPOSITORY.iterdir() if path.name == "Makefile" or path.suffix in SUFFIXES)
    for name in FOLDERS:
        for folder, below, files in os.walk(REPOSITORY / name):
            below[:] = sorted(set(below) - {"node_modules"})
            yield from (Path(folder, file) for file in files if Path(file).suffix in SUFFIXES)


def test_words_are_spelled_the_american_way() -> None:
    """Two spellings of a word are two names of a thing: nobody finds both."""
    names = {path.relative_to(REPOSITORY).as_posix(): path for path in _files()}
    found = {
        f"{name}: {match.group()}"
        for name, path in names.items()
        if not name.startswith(DATA)
        for match in BRITISH.finditer(f"{name}\n{path.read_text(encoding='utf-8')}")
    }
    assert not found


@pytest.mark.parametrize("word", ["ARTEFACT", "Quantised", "normalise_rows", "test_tokenising", "neighbours"])
def test_the_other_spelling_is_found(word: str) -> None:
    """In capitals, in an identifier and with any ending."""
    assert BRITISH.search(word)


@pytest.mark.parametrize("word", ["artifact", "tokenizer", "CancelledError", "generalist", "normalization"])
def test_other_words_are_not(word: str) -> None:
    """What merely begins alike, and what Python's own names are."""
    assert not BRITISH.search(word)
