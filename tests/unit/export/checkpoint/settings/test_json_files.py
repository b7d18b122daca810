"""A checkpoint's JSON files are read once."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.settings.json_files import read_json_list, read_json_object, reading_once
from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.errors import CheckpointError


@pytest.fixture(name="reads")
def fixture_reads(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """How often each JSON file is read."""
    counts: Counter[Path] = Counter()
    read = Path.read_text

    def counted(path: Path, encoding: str | None = None, errors: str | None = None) -> str:
        if path.suffix == ".json":
            counts[path] += 1
        return read(path, encoding, errors)

    monkeypatch.setattr(Path, "read_text", counted)
    return counts


@pytest.mark.parametrize("kind", ["tiny_mpnet", "tiny_bert", "tiny_xlm-roberta", "tiny_modernbert"])
def test_an_export_reads_each_once(kind: str, reads: Counter[Path], request: pytest.FixtureRequest) -> None:
    """All that is asked of a checkpoint, and its weights."""
    with reading_once():
        checkpoint = open_checkpoint(str(request.getfixturevalue(kind)))
        read_weights(checkpoint.config, checkpoint.weights)
    assert len(reads) > 1
    assert set(reads.values()) == {1}


def test_a_file_is_what_it_was_when_it_was_read(tmp_path: Path) -> None:
    """Until the outermost block ends; and nobody's changes to what was read reach the others."""
    path = tmp_path / "config.json"
    path.write_text('{"a": 1}', encoding="utf-8")
    with reading_once():
        read_json_object(path)["a"] = 3
        path.write_text('{"a": 2}', encoding="utf-8")
        with reading_once():
            assert read_json_object(path) == {"a": 1}
        assert read_json_object(path) == {"a": 1}
    assert read_json_object(path) == {"a": 2}


@pytest.mark.parametrize("value", [{}, [1], 3, None])
def test_a_list_of_objects_is_one(value: object, tmp_path: Path) -> None:
    """Anything else is refused."""
    path = tmp_path / "modules.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"modules\.json is not a list of objects"):
        read_json_list(path)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_read(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Of a pipe there is no end."""
    make(tmp_path / "config.json")
    with pytest.raises(
        CheckpointError, match=r"config\.json is not readable JSON \(it is no file\): download it again"
    ):
        read_json_object(tmp_path / "config.json")
