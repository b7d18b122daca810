"""What waits for a thread: who asks for little never waits behind who asks for much.

Each entry is stamped with the time at which it would end if all requests went on side by side (weighted fair queueing,
Demers, Keshav and Shenker 1989), and is taken in the order of its stamp: a query passes a hundred large shares, and
these wait no longer than their turn. A request has one entry in a line at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(order=True, slots=True)
class _Entry(Generic[T]):
    stamp: float
    number: int
    cost: int = field(compare=False)
    item: T = field(compare=False)


class Line(Generic[T]):
    """Entries of many requests, which one thread takes."""

    def __init__(self) -> None:
        """Begin empty."""
        self._heap: list[_Entry[T]] = []
        self._numbers = count()
        self._now = 0.0
        self._changed = threading.Condition()
        self._closed = False

    def add(self, cost: int, item: T) -> None:
        """Put something into the line."""
        with self._changed:
            heappush(self._heap, _Entry(self._now + cost, next(self._numbers), cost, item))
            self._changed.notify()

    def take(self) -> T | None:
        """Take what is first, once there is something; None when the line is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._heap or self._closed)
            if self._closed:
                return None
            entry = heappop(self._heap)
            self._pass(entry)
            return entry.item

    def take_more(self, fits: Callable[[T], bool]) -> list[T]:
        """Take what goes with something that was just taken.

        Args:
            fits: Asked of each in the order of the line.
        """
        with self._changed:
            taken = [entry for entry in sorted(self._heap) if fits(entry.item)]
            numbers = {entry.number for entry in taken}
            self._heap = [entry for entry in self._heap if entry.number not in numbers]
            heapify(self._heap)
            for entry in taken:
                self._pass(entry)
            return [entry.item for entry in taken]

    def close(self) -> None:
        """Let whoever takes know that there is nothing more to do."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _pass(self, entry: _Entry[T]) -> None:
        # All that wait move on together, each by its part of this entry.
        self._now += entry.cost / (len(self._heap) + 1)
