"""What Linux tells about another process: memory and processor time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_KIB = 1024
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a process, in MB of 10^6 bytes.

    Attributes:
        resident: all of it.
        private: what no other process shares.
        shared: the rest: file mappings, mostly.
        peak: the highest `resident` so far.
    """

    resident: float
    private: float
    shared: float
    peak: float


def memory_of(pid: int) -> Memory:
    """Read the memory of a process."""
    fields = _fields(_PROC / str(pid) / "smaps_rollup")
    resident, private = fields["Rss"], fields["Private_Clean"] + fields["Private_Dirty"]
    return Memory(resident, private, resident - private, _fields(_PROC / str(pid) / "status")["VmHWM"])


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, all threads, user and system."""
    after_name = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def memory_available() -> float:
    """Return what could still be allocated on this machine without swapping, in MB."""
    return _fields(_PROC / "meminfo")["MemAvailable"]


def memory_total() -> float:
    """Return the memory of this machine, in MB."""
    return _fields(_PROC / "meminfo")["MemTotal"]


def _fields(path: Path) -> dict[str, float]:
    """Read the lines of the form ``Name:  123 kB``."""
    fields: dict[str, float] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        number, _, unit = value.strip().partition(" ")
        if unit == "kB":
            fields[name] = int(number) * _KIB / 1e6
    return fields
