"""The command that `make bench` runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biolord_bench.peers.tables import report
from biolord_export.reference import reference_model
from guards.readme import REPOSITORY


def bench(*arguments: str, build: Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "BIOLORD_BENCH_BUILD": str(build)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_unknown_row_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """The message names the rows there are."""
    done = bench("--rows", "nosuch", build=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("bench: no row is called 'nosuch'; there are: biolord-onnx cpu-int8,")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real
def test_a_quick_run_prepares_measures_and_reports(tmp_path: Path) -> None:
    """From nothing to a table: environment, export, every step, JSON and the report made from it."""
    reference_model("all-mpnet-base-v2")
    done = bench("--quick", "--rows", "cpu-fp32", build=tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "quick.json").read_text(encoding="utf-8"))
    (row,) = results["rows"]
    assert row["error"] is None
    assert row["notes"] == []
    assert row["fidelity"]["against"] == "biolord-onnx cpu-fp32"
    assert row["start"]["process_ms"] > 0
    assert row["file_mb"] > 400
    assert (tmp_path / "quick.md").read_text(encoding="utf-8") == report(results)
    assert "| biolord-onnx cpu-fp32 |" in done.stdout
    (folder,) = (tmp_path / "runs").iterdir()
    assert [path.name.startswith("journal-") for path in folder.glob("journal*")] == [True]
