"""Threads that work for the main thread, and that Ctrl-C can't leave stuck, wherever in the code it comes.

Python runs the handler of a signal in the main thread, between any two of its steps, and the usual one raises there: in
``threading.Condition.__enter__``, say, when the lock is taken already and no thread is left to release it. Futures,
executors, `Thread.start` and `Thread.join` have such locks, and a thread that needs one then waits forever, as does the
process that waits for the thread. Here the main thread shares nothing with others but `SimpleQueue`, which is written
in C: between two of its steps nothing is held.
"""

from __future__ import annotations

import atexit
import sys
import threading
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from itertools import repeat
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Result = TypeVar("Result")

# A signal that another thread took interrupts nothing that the main thread waits for: its handler runs in between.
POLL_S = 0.2


# What became of a job: its number, from 0, and its result or why it has none.
_Answer = tuple[int, tuple[Result, ...], BaseException | None]


class Crew(Generic[Result]):
    """Does jobs in threads of its own, and gives their results in order and their failures at once."""

    def __init__(self, most: int) -> None:
        """Take the number of threads; none is started before there is a job for it."""
        self._most = most
        self._jobs: SimpleQueue[tuple[int, Callable[[], Result]] | None] = SimpleQueue()
        self._answers: SimpleQueue[_Answer[Result] | None] = SimpleQueue()
        self._threads: list[int] = []
        self._ended: list[int] = []
        self._early: dict[int, tuple[Result, ...]] = {}
        self._submitted = 0
        self._taken = 0
        self._closed = False

    def submit(self, job: Callable[[], Result]) -> None:
        """Have a job done by the next thread that is free.

        Raises:
            RuntimeError: The system has no thread for it.
        """
        if len(self._threads) < self._most:
            atexit.register(self.close)  # an interpreter must not leave while onnxruntime works for it
            # In one step: no signal comes between the start of a thread and its being counted.
            self._threads.extend(map(start_new_thread, repeat(run_traced, 1), repeat((self._do_jobs,))))
        self._jobs.put((self._submitted, job))
        self._submitted += 1

    def result(self) -> Result:
        """Wait for the first of the jobs whose results weren't asked for yet, and no longer than until another fails.

        Raises:
            BaseException: What a job raised.
        """
        while self._taken not in self._early:
            if (answer := self._news()) is None:
                continue
            number, results, failure = answer
            if failure is not None:
                raise failure
            self._early[number] = results
        (result,) = self._early.pop(self._taken)
        self._taken += 1
        return result

    def dismiss(self) -> None:
        """Let the threads end when all that was submitted is done."""
        self._jobs.put(None)

    def close(self) -> None:
        """Have nothing more begun, and wait for what was."""
        self._closed = True
        self._jobs.put(None)
        while len(self._ended) < len(self._threads):
            self._news()
        atexit.unregister(self.close)

    def _news(self) -> _Answer[Result] | None:
        """Wait for an answer, and return None if a thread has ended, or to look around: signals may cost an answer."""
        with suppress(Empty):
            return self._answers.get(timeout=POLL_S)
        return None

    def _do_jobs(self) -> None:
        while (job := self._jobs.get()) is not None and not self._closed:
            self._answers.put(_done(*job))
            del job  # and what it holds, while this thread waits for another
        self._jobs.put(None)  # one is enough for all threads
        self._ended.append(threading.get_ident())
        self._answers.put(None)


def run_traced(function: Callable[[], object]) -> None:  # pragma: no cover - what measures coverage begins in here
    """Run a function as the first of a thread, seen by debuggers and profilers as in a `threading.Thread`."""
    sys.settrace(threading.gettrace())
    sys.setprofile(threading.getprofile())
    function()


def _done(number: int, job: Callable[[], Result]) -> _Answer[Result]:
    try:
        return number, (job(),), None
    except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
        return number, (), error
