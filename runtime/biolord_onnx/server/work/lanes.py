"""Threads that tokenize for everybody, in shares: who asks for little never waits behind who asks for much.

Each share is stamped with the time at which it would end if all requests went on side by side (weighted fair queueing,
Demers, Keshav and Shenker 1989), and runs in the order of its stamp: a query passes a hundred large shares, and these
wait no longer than their turn.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(order=True, slots=True)
class _Share:
    stamp: float
    number: int
    cost: int = field(compare=False)
    do: Callable[[], Any] = field(compare=False)
    future: Future[Any] = field(compare=False)


class Lane:
    """A thread and what waits for it."""

    def __init__(self, name: str) -> None:
        """Start the thread."""
        self._heap: list[_Share] = []
        self._numbers = count()
        self._now = 0.0
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    async def run(self, cost: int, do: Callable[[], T]) -> T:
        """Run a share of a request and return what it returns; a share that nobody waits for any more does not begin.

        Args:
            cost: of this share, in characters.
            do: called by the lane's thread.
        """
        future: Future[T] = Future()
        with self._changed:
            heappush(self._heap, _Share(self._now + cost, next(self._numbers), cost, do, future))
            self._changed.notify()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """End the thread when the share under way is done."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while self._step():
            pass

    def _step(self) -> bool:
        # A function of its own, which keeps nothing of a share while it waits for the next.
        share = self._next()
        if share is None:
            return False
        if share.future.set_running_or_notify_cancel():
            _settle(share)
        return True

    def _next(self) -> _Share | None:
        with self._changed:
            self._changed.wait_for(lambda: self._heap or self._closed)
            if self._closed:
                return None
            share = heappop(self._heap)
            # All that wait move on together, each by its part of this share.
            self._now += share.cost / (len(self._heap) + 1)
            return share


def _settle(share: _Share) -> None:
    try:
        result = share.do()
    except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
        share.future.set_exception(error)
    else:
        share.future.set_result(result)
