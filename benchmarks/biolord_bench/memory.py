"""Memory of this process: what is its own, what it shares, and the most it ever had."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")
_PEAK_KEY = "VmHWM:"


@dataclass(frozen=True, slots=True)
class Resident:
    """Resident memory in MB: all of it, and the part that no other process has."""

    all_mb: float
    private_mb: float


def resident() -> Resident:
    """Measure this process."""
    import psutil

    found = psutil.Process().memory_full_info()
    return Resident(found.rss / 1e6, found.uss / 1e6)


def peak_mb(status: Path = _STATUS, *, system: str = sys.platform) -> float | None:
    """Return the most memory in MB that was ever resident, or None where the system doesn't tell.

    On Linux, getrusage would give the parent's peak where that was higher: it survives fork and exec.

    Args:
        status: Linux' description of this process.
        system: the platform, as in `sys.platform`.
    """
    if system == "linux":
        lines = [line.split() for line in status.read_text(encoding="ascii").splitlines()]
        return next((int(line[1]) * 1024 / 1e6 for line in lines if line[0] == _PEAK_KEY), None)
    if system == "darwin":
        resource = importlib.import_module("resource")  # not there on Windows
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)  # bytes on macOS alone
    return None
