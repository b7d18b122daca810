"""Memory that large requests took, given back: glibc keeps what was freed for the next one, a gigabyte and more."""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable

REST_S = 1.0
"""Between two times; each takes some milliseconds."""


class Trimmer:
    """Gives freed memory back to the system, a moment after it was asked to."""

    def __init__(self) -> None:
        """Find the function: other C libraries have none, and need none."""
        self._trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
        self._planned: asyncio.TimerHandle | None = None

    def plan(self) -> None:
        """Do it in a moment, once for all that ask until then."""
        if self._trim is not None and self._planned is None:
            self._planned = asyncio.get_running_loop().call_later(REST_S, self._start)

    def _start(self) -> None:
        self._planned = None
        assert self._trim is not None
        asyncio.get_running_loop().run_in_executor(None, self._trim, 0)  # ctypes lets other threads run meanwhile
