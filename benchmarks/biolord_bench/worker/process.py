"""What a worker does to its own process, and tells of it."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_STATUS = "/proc/self/status"
_PEAK_KEY = "VmHWM:"


def keep_to_cores(threads: int) -> None:
    """Let this process run on so many cores.

    Not before its libraries are imported: onnxruntime 1.32.0 takes a process that may run on one core then for one on a
    CPU without AMX, and would be measured at a third of its speed.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def affinity() -> list[int] | None:
    """Return the numbers of the CPUs that this process may run on; None where the system doesn't tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def end_with_the_driver() -> None:
    """Have Linux kill this process when the driver dies, however it dies: a stopped process reads no end of file."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def peak_mb(status: str = _STATUS, *, system: str = sys.platform) -> float | None:
    """Return the most memory in MB that was ever resident, or None where the system doesn't tell.

    On Linux, getrusage would give the parent's peak where that was higher: it survives fork and exec.

    Args:
        status: Linux' description of this process.
        system: The platform, as in `sys.platform`.
    """
    if system == "linux":
        with open(status, encoding="ascii") as file:  # noqa: PTH123 - pathlib's import is not the tool's
            lines = [line.split() for line in file]
        return next((int(line[1]) * 1024 / 1e6 for line in lines if line[0] == _PEAK_KEY), None)
    if system == "darwin":
        import importlib

        resource = importlib.import_module("resource")  # not there on Windows
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)  # bytes on macOS alone
    return None
