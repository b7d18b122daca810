"""Memory that large requests took, given back: glibc keeps what was freed for the next one, a gigabyte and more."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

REST_S = 1.0
"""Between two times while large requests come; each takes some milliseconds."""
LAST_S = 5.0
"""After the last one: work for a client that hung up may go on for a while, and so may a refusal that is paced."""

KEPT = 1 << 20
"""Bytes at the end of a heap that glibc may keep, and of the smallest block that is a mapping of its own.

Where nothing is set, both follow the largest block that was ever freed, and `malloc_trim` leaves the ends of all heaps
but the first as they are: up to 64 MB for each thread.
"""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of these options in glibc's malloc.h."""


class Trimmer:
    """Gives freed memory back to the system, a moment after it was asked to."""

    def __init__(self, release: Callable[[], None]) -> None:
        """Set what glibc keeps; other C libraries have no such function, and need none.

        Args:
            release: Frees what else is kept.
        """
        library = ctypes.CDLL(None)
        self._trim: Callable[[int], int] | None = getattr(library, "malloc_trim", None)
        if self._trim is not None:
            library.mallopt(M_TRIM_THRESHOLD, KEPT)
            library.mallopt(M_MMAP_THRESHOLD, KEPT)
        self._release = release
        self._planned: asyncio.TimerHandle | None = None
        self._last = 0.0

    def plan(self) -> None:
        """Do it in a moment and again a little later, once for all that ask until then."""
        if self._trim is None:
            return
        loop = asyncio.get_running_loop()
        soon, self._last = loop.time() + REST_S, loop.time() + LAST_S
        if self._planned is None or self._planned.when() > soon:
            self._plan_at(soon)

    def _plan_at(self, when: float) -> None:
        if self._planned is not None:
            self._planned.cancel()
        self._planned = asyncio.get_running_loop().call_at(when, self._start)

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._planned = None
        if loop.time() < self._last:
            self._plan_at(self._last)
        self._release()
        assert self._trim is not None
        loop.run_in_executor(None, self._trim, 0)  # ctypes lets other threads run meanwhile
