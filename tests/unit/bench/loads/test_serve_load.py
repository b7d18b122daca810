"""The load on a server: its mixture, and a short one for real."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from biolord_bench.loads import serve_load
from biolord_bench.loads.serve_load import LARGE, main, requests
from biolord_onnx.artifact.manifest import MaxLength
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact

pytestmark = pytest.mark.slow


def test_one_request_in_ten_is_large() -> None:
    """And the same seed makes the same requests."""
    names = [f"name {number}" for number in range(200)]
    made = list(islice(requests(names, 1), 2000))
    assert {len(texts) for texts in made} == {1, LARGE}
    assert 0.08 < sum(len(texts) == LARGE for texts in made) / 2000 < 0.12
    assert made == list(islice(requests(names, 1), 2000))


def test_a_short_load(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On a real server, without an error."""
    monkeypatch.setattr(serve_load, "QUIET_REQUESTS", 5)
    artifact = write_tiny_artifact(tmp_path / "tiny", replace(tiny_manifest(), max_length=MaxLength(500, "test")))
    assert main([str(artifact), "--seconds", "0.3", "--connections", "4"]) == 0
    printed = capsys.readouterr().out
    assert "errors: 0\n" in printed
    assert "times the p50 alone" in printed
