"""How many CPU cores this process may really use.

`os.cpu_count` counts the host's cores. A container with a quota of 2 on a 48-core host that starts 48 threads
is throttled by the kernel; so CPU affinity and cgroup quotas count (v1 and v2, of the process's group and its
parents).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from biolord_onnx.errors import InputError

THREADS_VARIABLE = "BIOLORD_THREADS"
# Beyond the cores of any machine; onnxruntime starts as many as it is told to, whatever becomes of the machine.
MOST_THREADS = 1024

_LONGEST = 20
_PRINTABLE_BITS = 64
_CGROUP_ROOT = Path("/sys/fs/cgroup")
_CGROUP_OF_PROCESS = Path("/proc/self/cgroup")
_V1_MOUNTS = ("cpu", "cpu,cpuacct", "cpuacct,cpu")


@dataclass(frozen=True, slots=True)
class CoreCount:
    """The number of threads worth starting.

    Attributes:
        count: Whole cores, 1 or more.
        exact: Cores before rounding up; a cgroup quota may be a fraction.
        reason: What set the number, for people.
    """

    count: int
    exact: float
    reason: str


def available_cores(
    threads: int | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    cgroup_root: Path = _CGROUP_ROOT,
    cgroup_of_process: Path = _CGROUP_OF_PROCESS,
) -> CoreCount:
    """Count the cores that this process may use.

    An explicit ``threads`` wins, then the variable BIOLORD_THREADS, then the smaller of affinity and cgroup
    quota (rounded up).

    Args:
        threads: The caller's wish, or None.
        environ: Environment variables.
        cgroup_root: Where cgroups are mounted.
        cgroup_of_process: The file that names the process's cgroups.

    Raises:
        InputError: ``threads`` or BIOLORD_THREADS is not a whole number of 1 to 1024.
        TypeError: ``threads`` is no whole number at all.
    """
    if threads is not None:
        return _asked(_check_threads(threads), "threads=")
    if asked := environ.get(THREADS_VARIABLE, "").strip():
        source = f"{THREADS_VARIABLE}="
        return _asked(parse_threads(asked, source), source)
    cores = _affinity()
    quota = cgroup_quota(cgroup_root, cgroup_of_process)
    if quota is not None and quota < cores.count:
        return CoreCount(max(1, math.ceil(quota)), quota, f"cgroup quota of {quota:g} cores")
    return cores


def cgroup_quota(root: Path, of_process: Path) -> float | None:
    """Return the tightest CPU quota of the process's cgroup and its parents in cores, or None without one."""
    quotas = [quota for folder in _cgroup_folders(root, of_process) if (quota := _folder_quota(folder)) is not None]
    return min(quotas, default=None)


def parse_threads(text: str, source: str = "") -> int:
    """Read a number of threads.

    Args:
        text: What the user typed.
        source: Stands in front of it in messages.

    Raises:
        InputError: It isn't a whole number of 1 to 1024.
    """
    count = int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST else 0
    if not 1 <= count <= MOST_THREADS:
        shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
        raise InputError(f"{source}{shown} is not a number of threads: give a whole number of 1 to {MOST_THREADS}")
    return count


def _check_threads(threads: int) -> int:
    """Take whatever Python takes for a whole number, numpy's own, too."""
    if isinstance(threads, bool) or not hasattr(threads, "__index__"):
        raise TypeError(
            f"threads is {threads!r}, a {type(threads).__name__}: give a whole number of 1 to {MOST_THREADS}, or None"
        )
    count = threads.__index__()
    # Python itself refuses to print numbers of some thousand digits.
    return parse_threads(str(count) if count.bit_length() < _PRINTABLE_BITS else "9" * (_LONGEST + 1), "threads=")


def _asked(count: int, source: str) -> CoreCount:
    return CoreCount(count, float(count), f"{source}{count}")


def _affinity() -> CoreCount:
    total = os.cpu_count() or 1
    # macOS and Windows have no affinity call.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    reason = "all cores" if usable == total else f"CPU affinity to {usable} of {total} cores"
    return CoreCount(usable, float(usable), reason)


def _cgroup_folders(root: Path, of_process: Path) -> list[Path]:
    """List the folders that may limit the process: its group and every parent up to the root.

    Inside a container the path of ``/proc/self/cgroup`` may be the host's and not exist here; its parents end
    at the mount, which is then the container's own group.
    """
    folders = []
    for line in (_content(of_process) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mounts = [root, root / "unified"]
        elif "cpu" in controllers.split(","):
            mounts = [root / name for name in _V1_MOUNTS]
        else:
            continue
        group = PurePosixPath(path.lstrip("/"))
        folders += [mount / part for mount in mounts for part in (group, *group.parents)]
    return folders


def _folder_quota(folder: Path) -> float | None:
    if (limit := _content(folder / "cpu.max")) is not None:
        quota, _, period = limit.partition(" ")
    else:
        quota = _content(folder / "cpu.cfs_quota_us") or ""
        period = _content(folder / "cpu.cfs_period_us") or ""
    # "max" (v2) and -1 (v1) mean no limit.
    if quota.isdecimal() and period.isdecimal() and int(period) > 0:
        return int(quota) / int(period)
    return None


def _content(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
