"""The file of ranges."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from biolord_onnx.artifact.ranges import RANGES_NAME, Ranges, ranges_to_json, read_ranges
from biolord_onnx.errors import ArtifactError

RANGES = {
    "sentence_embedding": Ranges((-1.25, 1e-9), (3.5, 2.0)),
    "unit_embedding": Ranges((-1.0, -0.5), (0.25, 1.0)),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a file with the ranges of two dimensions."""
    path = tmp_path / RANGES_NAME
    path.write_text(ranges_to_json(RANGES), encoding="utf-8")
    return path


@pytest.mark.parametrize("output", list(RANGES))
def test_what_was_written_is_read(path: Path, output: str) -> None:
    """Each output's own, to the last bit."""
    assert read_ranges(path, output, dim=2) == RANGES[output]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "holds a list, expected a JSON object"),
        ("{", "is not valid JSON"),
        ("{}", "the key unit_embedding is missing"),
        ('{"unit_embedding": {"lowest": [1, 2]}}', "unit_embedding: the key highest is missing"),
        ('{"unit_embedding": {"lowest": [1, 2], "highest": 3}}', "highest is 3, expected a list of numbers"),
        ('{"unit_embedding": {"lowest": [1, "a"], "highest": []}}', "lowest: 1 is 'a', expected a number"),
        ('{"unit_embedding": {"lowest": [1, -1e999], "highest": []}}', "'-1e999' is too large a number"),
        ('{"unit_embedding": {"lowest": [1, 2], "highest": [1, 1.5]}}', "lowest: 1 is 2.0, highest: 1 is 1.5"),
        ('{"unit_embedding": {"lowest": [1, 2], "highest": [1, 1e31]}}', "lowest: 1 is 2.0, highest: 1 is 1e+31"),
        ('{"unit_embedding": {"lowest": [1, -1e31], "highest": [1, 1]}}', "lowest: 1 is -1e+31, highest: 1 is 1.0"),
        ('{"unit_embedding": {"lowest": [1, 2], "highest": [1]}}', "highest has 1 numbers, expected 2"),
    ],
)
def test_a_damaged_file(path: Path, content: str, message: str) -> None:
    """The file is named, and what is wrong in it."""
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match=re.escape(str(path)) + ".*" + re.escape(message)):
        read_ranges(path, "unit_embedding", dim=2)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    """It went missing after the artifact was opened, or is no text."""
    path = tmp_path / RANGES_NAME
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"ranges.json (can't be read|is not a readable text file) \(.*again"):
        read_ranges(path, "unit_embedding", dim=2)


def test_a_file_of_gigabytes(path: Path) -> None:
    """A sparse one takes no room on the disk, and none in memory."""
    os.truncate(path, 8 << 30)
    with pytest.raises(ArtifactError, match=r"ranges.json has 8589934592 bytes, expected 16777216 at most"):
        read_ranges(path, "unit_embedding", dim=2)
