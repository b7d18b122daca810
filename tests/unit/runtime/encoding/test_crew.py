"""Threads that work for the main thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.encoding import crew as module
from biolord_onnx.encoding.crew import Crew
from unit.runtime.command import PATIENCE
from unit.runtime.struck import Struck, places


def threads() -> set[int]:
    """Return the threads that run Python."""
    return set(sys._current_frames())


def assert_gone(before: set[int]) -> None:
    """Check that no more threads are left than there were; what has ended takes a moment to go."""
    end = time.monotonic() + PATIENCE
    while threads() - before:
        assert time.monotonic() < end, "a thread is left"
        time.sleep(0.001)


@given(st.lists(st.integers(), max_size=20), st.integers(1, 4))
def test_results_come_in_order(jobs: list[int], most: int) -> None:
    """Whoever does them."""
    with closing(Crew[int](most)) as crew:
        for job in jobs:
            crew.submit(partial(abs, job))
        assert [crew.result() for _ in jobs] == [abs(job) for job in jobs]


def test_a_failure_is_not_waited_for() -> None:
    """It comes before the results of jobs that are not done, which nobody needs any more."""
    before, gate = threads(), SimpleQueue[None]()
    with closing(Crew[object](2)) as crew:
        crew.submit(partial(gate.get, timeout=PATIENCE))
        crew.submit(partial(int, "ours"))
        with pytest.raises(ValueError, match="ours"):
            crew.result()
        gate.put(None)
    assert_gone(before)


def test_what_has_not_begun_never_begins() -> None:
    """And what has is waited for."""
    begun, gate, done = SimpleQueue[None](), SimpleQueue[None](), []

    def first() -> None:
        begun.put(None)
        gate.get(timeout=PATIENCE)
        time.sleep(0.05)
        done.append("first")

    crew = Crew[None](1)
    crew.submit(first)
    for _ in range(5):
        crew.submit(partial(done.append, "more"))
    begun.get(timeout=PATIENCE)
    gate.put(None)
    crew.close()
    assert done == ["first"]


def test_threads_end_when_nothing_more_comes() -> None:
    """What was submitted is done first."""
    before = threads()
    crew = Crew[int](3)
    for job in (-1, -2, -3, -4):
        crew.submit(partial(abs, job))
    crew.dismiss()
    assert_gone(before)
    assert [crew.result() for _ in range(4)] == [1, 2, 3, 4]
    crew.close()


def test_no_more_threads_than_jobs() -> None:
    """And none at all without any."""
    before = threads()
    with closing(Crew[int](5)) as crew:
        assert threads() == before
        crew.submit(partial(abs, -1))
        assert (crew.result(), len(threads() - before)) == (1, 1)
    assert_gone(before)


def test_a_system_without_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so where the job is submitted, and nobody waits for the thread."""

    def fail(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module, "start_new_thread", fail)
    with closing(Crew[int](2)) as crew, pytest.raises(RuntimeError, match="can't start new thread"):
        crew.submit(partial(abs, -1))


def test_debuggers_see_its_threads() -> None:
    """As those that the library starts: what was set for all threads holds for these."""
    seen: list[str] = []
    before = threading.gettrace()
    threading.settrace(lambda frame, *_: seen.append(frame.f_code.co_name))
    try:
        with closing(Crew[int](1)) as crew:
            crew.submit(partial(abs, -1))
            crew.result()
    finally:
        threading.settrace(before)
    assert "_do_jobs" in seen


def test_an_answer_that_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The main thread looks around meanwhile, for signals that interrupt nothing."""
    monkeypatch.setattr(module, "POLL_S", 0.001)
    with closing(Crew[None](1)) as crew:
        crew.submit(partial(time.sleep, 0.05))
        crew.result()


def use(crews: list[Crew[int]], finish: Callable[[Crew[int]], None]) -> None:
    """Use a crew in every way."""
    crew = Crew[int](2)
    crews.append(crew)
    with closing(crew):
        for job in range(4):
            crew.submit(partial(abs, -job))
        finish(crew)
        for job in range(4):
            assert crew.result() == job


@pytest.mark.parametrize("finish", [Crew.dismiss, lambda _: None], ids=["dismissed", "not"])
def test_an_interruption_anywhere_leaves_nobody_waiting(finish: Callable[[Crew[int]], None]) -> None:
    """Between any two steps of the thread that it comes to: what it shares with others is whole, and all end.

    Where it comes to the end itself, that can be had again, as the end of the interpreter does.
    """
    before, crews = threads(), list[Crew[int]]()
    work = partial(use, crews, finish)
    for at in range(places(work)):
        struck = Struck(work, at)
        assert struck.ended_within(PATIENCE), struck.where
        assert isinstance(struck.error, KeyboardInterrupt if struck.where else type(None)), struck.where
        if crews:
            crews.pop().close()
        assert_gone(before)
