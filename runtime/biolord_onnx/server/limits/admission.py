"""Who may come in: how many requests, how many large ones, and how fast what is refused is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from biolord_onnx.server.problems import OVERLOADED, UNAVAILABLE, ApiError
from biolord_onnx.server.settings import Limits

RETRY_AFTER_S = 1
LARGE_AT_ONCE = 4
"""Large requests whose body, objects and tokens are in memory at once."""
LARGE_WAITING = 16
REFUSALS_A_SECOND = 100
"""Answers of 400 and more; beyond that they wait: who is refused and asks again at once must not hold the loop."""
KEYLESS_A_SECOND = 100
HEALTH_A_SECOND = 200


class Pace:
    """Lets so many through a second; the others wait, each for its turn."""

    BURST_S = 0.25
    LONGEST_S = 2.0

    def __init__(self, a_second: float) -> None:
        """Begin at rest."""
        self._step = 1 / a_second
        self._next = 0.0

    async def wait(self, turns: float = 1, end: asyncio.Event | None = None) -> None:
        """Wait for a turn, or for several, no longer than two seconds, nor beyond an event."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next + turns * self._step, now - self.BURST_S)
        pause = min(self._next - now, self.LONGEST_S)
        if pause > 0:
            self._next = now + pause
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await (end or asyncio.Event()).wait()


class Admission:
    """Counts the requests of one server process, which asks here before it does anything."""

    def __init__(self, limits: Limits) -> None:
        """Begin with none."""
        self._limits = limits
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._large_waiting = 0
        self.stopping = asyncio.Event()
        self.under_way = 0
        self.keyless = 0
        self.refusals = Pace(REFUSALS_A_SECOND)
        self.keyless_pace = Pace(KEYLESS_A_SECOND)
        self.health_pace = Pace(HEALTH_A_SECOND)

    @property
    def full(self) -> bool:
        """Whether a request more would be refused."""
        return self.under_way >= self._limits.requests

    @contextmanager
    def request(self) -> Iterator[None]:
        """Let a request in.

        Raises:
            ApiError: As many as may be are under way.
        """
        if self.full:
            raise _full(self.under_way)
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    @contextmanager
    def keyless_request(self) -> Iterator[None]:
        """Let a request in that shows no key; these take none of the others' places.

        Raises:
            ApiError: As many as may be are under way.
        """
        if self.keyless >= self._limits.keyless:
            raise _full(self.keyless)
        self.keyless += 1
        try:
            yield
        finally:
            self.keyless -= 1

    @asynccontextmanager
    async def large_request(self) -> AsyncIterator[None]:
        """Wait until one more large request fits into memory.

        Raises:
            ApiError: Enough wait already, or the server is stopping.
        """
        if self._large_waiting >= LARGE_WAITING:
            raise ApiError(
                OVERLOADED, f"{self._large_waiting} large requests wait, no more fit: try again later", RETRY_AFTER_S
            )
        self._large_waiting += 1
        try:
            await self._large.acquire()
        finally:
            self._large_waiting -= 1
        try:
            if self.stopping.is_set():
                raise ApiError(UNAVAILABLE, "the server is stopping")
            yield
        finally:
            self._large.release()

    def stop(self) -> None:
        """Let no large request in any more that waits: it would keep the server from stopping."""
        self.stopping.set()


def _full(count: int) -> ApiError:
    return ApiError(OVERLOADED, f"{count} requests are under way, no more fit: try again later", RETRY_AFTER_S)
