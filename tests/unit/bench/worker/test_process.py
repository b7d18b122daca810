"""What a worker does to its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from biolord_bench.worker.process import affinity, peak_mb

AFFINE = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity call")


@AFFINE
def test_a_worker_is_kept_to_its_cores() -> None:
    """The first ones of those it may use, and it tells which."""
    code = "from biolord_bench.worker.process import affinity, keep_to_cores; keep_to_cores(1); print(affinity())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == str([min(os.sched_getaffinity(0))])
    assert affinity() == sorted(os.sched_getaffinity(0))


def test_the_peak_is_this_processs_own() -> None:
    """Of a small process started by a large one: what the parent had doesn't count."""
    code = "from biolord_bench.worker.process import peak_mb; print(peak_mb())"
    ballast = b"x" * 300_000_000
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert len(ballast) / 1e6 > float(told) > 1


def test_the_peak_is_read_from_linux(tmp_path: Path) -> None:
    """In kibibytes, whatever else stands there; a system that tells nothing has none."""
    status = tmp_path / "status"
    status.write_text("Name:\tx\nVmPeak:\t 99 kB\nVmHWM:\t   2000 kB\n", encoding="ascii")
    assert peak_mb(str(status), system="linux") == pytest.approx(2.048)
    status.write_text("Name:\tx\n", encoding="ascii")
    assert peak_mb(str(status), system="linux") is None
    assert peak_mb(system="win32") is None
    assert (peak_mb(system="darwin") or 0) > 0
