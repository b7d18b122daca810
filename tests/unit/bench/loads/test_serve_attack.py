"""The attack on a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from biolord_bench.loads import serve_attack
from biolord_bench.loads.serve_attack import attacks, main
from biolord_onnx.artifact.manifest import MaxLength
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact


def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """And tells what came of it; what it costs depends on the machine."""
    artifact = write_tiny_artifact(tmp_path / "tiny", replace(tiny_manifest(), max_length=MaxLength(500, "test")))
    for name in ("WARM_S", "ALONE_S", "REST_S", "BEFORE_STOP_S"):
        monkeypatch.setattr(serve_attack, name, 0.5)
    assert main([str(artifact), "--seconds", "1", "--connections", "4", "--kinds", "unread,method"]) in {0, 1}
    out = capsys.readouterr().out
    assert "unread: p50 " in out
    assert "refused {}; attackers got {405: " in out
    assert "after SIGTERM with 0" in out
    assert " 0 tracebacks" in out


def test_attackers_stay_within_what_is_read() -> None:
    """Each kind sends something else."""
    sent = attacks()
    assert len(set(sent.values())) == len(sent) == 12
