"""Memory of a process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from biolord_bench.memory import peak_mb, resident


def test_what_is_resident() -> None:
    """The private part is a part of it, in MB."""
    found = resident()
    assert 5 < found.private_mb < found.all_mb < 100_000


def test_memory_that_is_taken_is_seen() -> None:
    """50 MB more are 50 MB more, and private; in a process that gives nothing back meanwhile."""
    code = (
        "from biolord_bench.memory import resident\n"
        "before = resident()\n"
        "taken = b'x' * 50_000_000\n"
        "print(resident().private_mb - before.private_mb)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 45 < float(done.stdout) < 60


def test_the_peak_on_linux(tmp_path: Path) -> None:
    """Linux tells it in KiB; a system without the line tells nothing."""
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  125000 kB\nVmRSS:\t 1 kB\n", encoding="ascii")
    assert peak_mb(status, system="linux") == pytest.approx(128.0)
    status.write_text("Name:\tpython\n", encoding="ascii")
    assert peak_mb(status, system="linux") is None


def test_the_peak_elsewhere() -> None:
    """Through getrusage on macOS; other systems don't tell it."""
    peak = peak_mb(system="darwin")
    assert peak is not None
    assert peak > 0
    assert peak_mb(system="win32") is None
