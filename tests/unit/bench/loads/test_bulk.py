"""The bulk measurement, small and for real."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biolord_bench.loads import bulk
from biolord_bench.loads.bulk import main, numbered_names
from unit.runtime.tiny_artifact import write_tiny_artifact


def test_names_are_different(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of them: equal ones would be encoded once."""
    monkeypatch.setattr(bulk, "DIFFERENT", 10)
    names = numbered_names(1000)
    assert len(set(names)) == 1000
    assert numbered_names(1000) == names
    assert numbered_names(0) == []


def test_the_first_names_are_a_sample_of_all() -> None:
    """Higher numbers have more tokens: in their order, the file would seem slower than its first names."""
    names = numbered_names(20_000)
    first, every = (np.mean([len(name) for name in some]) for some in (names[:2000], names))
    assert first == pytest.approx(every, rel=0.02)


def test_a_small_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Rates, a kill, and both files the same."""
    monkeypatch.setattr(bulk, "ENCODED", 500)
    monkeypatch.setattr(bulk, "EMBEDDED", 1000)
    artifact = write_tiny_artifact(tmp_path / "tiny")
    assert main([str(artifact), "--names", "10000", "--pairs", "1", "--kills", "1"]) == 0
    printed = capsys.readouterr().out
    assert "ratio, median of 1: " in printed
    assert "kill 1: " in printed
    assert "both files have the same bytes\n" in printed


def test_files_that_differ_are_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would mean that a resumed run is not to be trusted."""
    monkeypatch.setattr("filecmp.cmp", lambda *_, **__: False)
    artifact = write_tiny_artifact(tmp_path / "tiny")
    assert main([str(artifact), "--names", "100", "--pairs", "1", "--kills", "0"]) == 1
    assert "the files DIFFER" in capsys.readouterr().out
