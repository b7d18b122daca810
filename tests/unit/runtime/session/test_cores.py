"""Counting cores. Folders stand in for the kernel's, the affinity is real."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import InputError
from biolord_onnx.session.cores import CoreCount, available_cores, cgroup_quota
from unit.runtime.command import Biolord


def write(path: Path, text: str) -> None:
    """Write a file of the kernel's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="ascii")


def quota(tmp_path: Path, groups: str) -> float | None:
    """Ask for the quota below ``tmp_path/cgroup`` with these lines in ``/proc/self/cgroup``."""
    write(tmp_path / "self", groups)
    return cgroup_quota(tmp_path / "cgroup", tmp_path / "self")


def count(tmp_path: Path, groups: str = "", **environ: str) -> CoreCount:
    """Count cores with these lines in ``/proc/self/cgroup`` and these variables."""
    write(tmp_path / "self", groups)
    return available_cores(environ=environ, cgroup_root=tmp_path / "cgroup", cgroup_of_process=tmp_path / "self")


def test_the_caller_wins() -> None:
    """`threads` is taken as it is, whatever the machine has."""
    assert available_cores(999, environ={"BIOLORD_THREADS": "3"}) == CoreCount(999, 999.0, "threads=999")


def test_the_variable_comes_next(tmp_path: Path) -> None:
    """BIOLORD_THREADS beats affinity and quotas."""
    write(tmp_path / "cgroup" / "cpu.max", "100000 100000\n")
    assert count(tmp_path, "0::/\n", BIOLORD_THREADS=" 7 ") == CoreCount(7, 7.0, "BIOLORD_THREADS=7")


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    """An empty BIOLORD_THREADS is as good as unset."""
    assert count(tmp_path, BIOLORD_THREADS="") == count(tmp_path)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_refused(threads: int) -> None:
    """Fewer than one thread can't work."""
    with pytest.raises(InputError, match=rf"^threads={threads} is not a number of threads"):
        available_cores(threads)


@pytest.mark.parametrize("value", ["0", "-2", "two", "1.5", "²"])
def test_a_strange_variable_is_refused(tmp_path: Path, value: str) -> None:
    """A BIOLORD_THREADS that isn't a whole number is an error, not a guess."""
    with pytest.raises(InputError, match=rf"^BIOLORD_THREADS={value} is not a number of threads"):
        count(tmp_path, BIOLORD_THREADS=value)


def test_without_a_quota_the_affinity_counts(tmp_path: Path) -> None:
    """A process bound to one core gets one thread, and is told why."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        cores = count(tmp_path)
    finally:
        os.sched_setaffinity(0, before)
    assert cores.count == 1
    total = os.cpu_count()
    assert cores.reason == ("all cores" if total == 1 else f"CPU affinity to 1 of {total} cores")


def test_without_affinity_all_cores_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no affinity call, every core counts."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 48)
    assert count(tmp_path) == CoreCount(48, 48.0, "all cores")


def test_a_quota_is_rounded_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container with 1.5 of 48 cores gets two threads, and is told why."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(48)))
    write(tmp_path / "cgroup" / "cpu.max", "150000 100000\n")
    assert count(tmp_path, "0::/\n") == CoreCount(2, 1.5, "cgroup quota of 1.5 cores")


def test_a_tiny_quota_still_gets_a_thread(tmp_path: Path) -> None:
    """A hundredth of a core is one thread."""
    write(tmp_path / "cgroup" / "cpu.max", "1000 100000\n")
    assert count(tmp_path, "0::/\n").count == 1


def test_a_quota_above_the_affinity_does_not_count(tmp_path: Path) -> None:
    """The smaller of the two limits wins."""
    write(tmp_path / "cgroup" / "cpu.max", "100000000 100000\n")
    assert count(tmp_path, "0::/\n") == count(tmp_path, "")


def test_version_2_parents_count(tmp_path: Path) -> None:
    """The tightest limit on the way up to the root holds."""
    write(tmp_path / "cgroup" / "cpu.max", "max 100000\n")
    write(tmp_path / "cgroup" / "pod" / "cpu.max", "200000 100000\n")
    write(tmp_path / "cgroup" / "pod" / "box" / "cpu.max", "300000 100000\n")
    assert quota(tmp_path, "0::/pod/box\n") == 2.0


def test_version_2_beside_version_1(tmp_path: Path) -> None:
    """On a hybrid system version 2 is mounted one folder below."""
    write(tmp_path / "cgroup" / "unified" / "a" / "cpu.max", "50000 100000\n")
    assert quota(tmp_path, "1:name=systemd:/a\n0::/a\n") == 0.5


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct", "cpuacct,cpu"])
def test_version_1_quota_counts(tmp_path: Path, mount: str) -> None:
    """Version 1 keeps quota and period in two files, under a mount named after its controllers."""
    folder = tmp_path / "cgroup" / mount / "docker" / "1"
    write(folder / "cpu.cfs_quota_us", "250000\n")
    write(folder / "cpu.cfs_period_us", "100000\n")
    assert quota(tmp_path, f"9:memory:/docker/1\n4:{mount}:/docker/1\n") == 2.5


def test_version_1_without_a_limit(tmp_path: Path) -> None:
    """A quota of -1 is none."""
    write(tmp_path / "cgroup" / "cpu" / "cpu.cfs_quota_us", "-1\n")
    write(tmp_path / "cgroup" / "cpu" / "cpu.cfs_period_us", "100000\n")
    assert quota(tmp_path, "1:cpu:/\n") is None


def test_a_path_of_the_host_ends_at_the_mount(tmp_path: Path) -> None:
    """In a container the process's path may be the host's; the mount itself is then its group."""
    write(tmp_path / "cgroup" / "cpu.max", "100000 100000\n")
    assert quota(tmp_path, "0::/kubepods/pod1/not-visible-here\n") == 1.0


@pytest.mark.parametrize("content", ["", "max", "max 100000", "100000", "100000 0", "x y", "-5 100"])
def test_an_unreadable_limit_is_none(tmp_path: Path, content: str) -> None:
    """A limit that says nothing limits nothing."""
    write(tmp_path / "cgroup" / "cpu.max", content)
    assert quota(tmp_path, "0::/\n") is None


def test_no_cgroups_at_all(tmp_path: Path) -> None:
    """A system without /proc has no quota."""
    assert cgroup_quota(tmp_path / "cgroup", tmp_path / "nothing") is None


def test_this_machine_has_a_core() -> None:
    """With the real files the answer is sane."""
    cores = available_cores()
    assert 1 <= cores.count <= (os.cpu_count() or 1)
    assert 0 < cores.exact <= cores.count


@pytest.mark.parametrize(
    "value", ["9" * 20, "9" * 5000, "1025", "100000", "1e3", "0x2", "1_0", "٣", "-1", "2.0", "inf", "nan"]
)
def test_a_number_out_of_bounds_is_refused_everywhere(
    tmp_path: Path, biolord: Biolord, tiny: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """In one short line: from the variable, of every command, and from Python."""
    message = "is not a number of threads: give a whole number of 1 to 1024"
    with pytest.raises(InputError, match=rf"^BIOLORD_THREADS=.{{1,24}} {message}$"):
        count(tmp_path, BIOLORD_THREADS=value)
    for command in (["embed", tiny, "cat"], ["serve", tiny], ["similar", tiny, "cat", "--input", "x"], ["bench", tiny]):
        outcome = biolord(*command, f"--threads={value}")
        outcome.assert_error(message)
        assert len(outcome.err) < 200
    monkeypatch.setenv("BIOLORD_THREADS", value)
    biolord("embed", tiny, "cat").assert_error(f"{message}")
    biolord("info", tiny).assert_error(f"{message}")


@pytest.mark.parametrize("threads", [1025, 10**20, -(10**20), pytest.param(10**5000, id="long")])
def test_integers_out_of_bounds(threads: int) -> None:
    """Also those that Python doesn't print."""
    with pytest.raises(
        InputError, match=r"^threads=.{1,24} is not a number of threads: give a whole number of 1 to 1024$"
    ):
        available_cores(threads)


@pytest.mark.parametrize("threads", [2.5, 2.0, "2", True, [2], float("nan")])
def test_what_is_no_whole_number(tiny: Path, threads: Any) -> None:  # noqa: ANN401 - wrong on purpose
    """The message says what it is, wherever it was given."""
    expected = r"^threads is .*, a (float|str|bool|list): give a whole number of 1 to 1024, or None$"
    with pytest.raises(TypeError, match=expected):
        available_cores(threads)
    with pytest.raises(TypeError, match=expected):
        Embedder.load(tiny, threads=threads)


def test_numpys_whole_numbers(tiny: Path) -> None:
    """They come from arrays and tables."""
    with Embedder.load(tiny, threads=np.int64(2)) as embedder:  # type: ignore[arg-type]
        assert embedder.threads == 2
        assert type(embedder.threads) is int
