"""Running jobs side by side."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.encoding.schedule import AHEAD, run_jobs
from unit.runtime.command import PATIENCE, wait_for
from unit.runtime.struck import Struck, places


def current(_: int) -> int:
    """Do a job by saying which thread does it."""
    return threading.get_ident()


@given(st.lists(st.integers(), max_size=30), st.integers(1, 4))
def test_every_job_and_its_result_in_order(jobs: list[int], workers: int) -> None:
    """However many run at once."""
    assert list(run_jobs(jobs, lambda job: -job, workers)) == [(job, -job) for job in jobs]


def test_a_single_job_runs_in_the_callers_thread() -> None:
    """A query neither waits for a pool nor pays for one."""
    assert list(run_jobs([1], current, workers=4)) == [(1, threading.get_ident())]


def test_one_worker_is_the_caller() -> None:
    """Two threads on one core would only take turns."""
    assert {ident for _, ident in run_jobs(range(5), current, workers=1)} == {threading.get_ident()}


def test_as_many_run_at_once_as_there_are_workers() -> None:
    """Each of three jobs waits until all three have begun."""
    together = threading.Barrier(3)

    def wait(_: int) -> int:
        return together.wait(PATIENCE)

    assert len(list(run_jobs(range(9), wait, workers=3))) == 9


def test_jobs_are_drawn_as_they_are_needed() -> None:
    """A million jobs are never in memory together."""
    drawn = []

    def jobs() -> Iterator[int]:
        for number in range(1000):
            drawn.append(number)
            yield number

    results = run_jobs(jobs(), lambda job: job, workers=2)
    for _ in range(10):
        next(results)
    assert len(drawn) <= 10 + AHEAD * 2
    results.close()


def test_jobs_are_drawn_while_others_run() -> None:
    """Tokenizing the next texts takes no time of its own."""
    started = threading.Event()

    def jobs() -> Iterator[int]:
        yield 0
        yield 1
        assert started.wait(PATIENCE)
        yield 2

    def run(job: int) -> int:
        started.set()
        return job

    assert [job for job, _ in run_jobs(jobs(), run, workers=2)] == [0, 1, 2]


@pytest.mark.parametrize("workers", [1, 3])
def test_the_first_failure_ends_it(workers: int) -> None:
    """It is raised as it is, and what was not begun never begins."""
    begun = []

    def run(job: int) -> int:
        begun.append(job)
        if job == 2:
            raise ValueError("two")
        time.sleep(0.01)
        return job

    with pytest.raises(ValueError, match="two"):
        list(run_jobs(range(1000), run, workers))
    assert len(begun) < 30


def test_leaving_early_leaves_no_thread_behind() -> None:
    """A caller that was interrupted, say."""
    before = set(sys._current_frames())
    results = run_jobs(range(100), lambda job: job, workers=3)
    next(results)
    assert set(sys._current_frames()) - before
    results.close()
    wait_for(lambda: not set(sys._current_frames()) - before)


def test_an_interruption_anywhere_ends_it() -> None:
    """Between any two steps of the thread that it comes to: no lock stays taken that another thread needs."""

    def work() -> None:
        for _ in run_jobs(range(5), abs, workers=2):
            pass

    for at in range(places(work)):
        struck = Struck(work, at)
        assert struck.ended_within(PATIENCE), struck.where
        assert isinstance(struck.error, KeyboardInterrupt if struck.where else type(None)), struck.where
