"""The thread that searches an index for everybody: queries that wait are scanned together, and large requests in parts.

Reading the index takes most of a scan, so that several queries cost little more than one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.server.work.line import Line

Found = TypeVar("Found")
QUERIES = 16
"""Of a scan. A query that comes while one is under way waits for its end."""
HITS = 1000
"""Of a scan, unless a single query wants more: making them takes the interpreter, which others need meanwhile."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a search asks for beside its queries; those of equal wishes are scanned together.

    Attributes:
        top: Most hits of a query.
        where: Columns, each with the values that a hit may have there.
        min_score: Hits below it are left out; None for none.
        all_names: Whether every name of a code is a hit of its own.
    """

    top: int
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    min_score: float | None = None
    all_names: bool = False

    @property
    def queries(self) -> int:
        """How many fit into a scan."""
        return max(1, min(QUERIES, HITS // self.top))


Scan = Callable[[Wish, Sequence[str], NDArray[np.float32]], Sequence[Found]]
Ran = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class _Part(Generic[Found]):
    """Queries of one request that are scanned at once."""

    wish: Wish
    texts: Sequence[str]
    vectors: NDArray[np.float32]
    future: Future[Sequence[Found]]


class Scanner(Generic[Found]):
    """Owns the thread and what waits for it."""

    def __init__(self, scan: Scan[Found], ran: Ran = lambda _queries, _seconds: None) -> None:
        """Start the thread.

        Args:
            scan: Finds what each of n queries [n, dim] wishes; called by this thread alone.
            ran: Told queries and seconds of each scan.
        """
        self._scan, self._ran = scan, ran
        self._line: Line[_Part[Found]] = Line()
        self._thread = threading.Thread(target=self._work, name="biolord-scan", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    async def search(self, wish: Wish, texts: Sequence[str], vectors: NDArray[np.float32]) -> list[Found]:
        """Search for n queries, some after the other, so that those of other requests come in between.

        Args:
            wish: Of all of them.
            texts: n of them.
            vectors: Theirs, [n, dim], of length 1.
        """
        found: list[Found] = []
        for start in range(0, len(texts), wish.queries):
            some = slice(start, start + wish.queries)
            part = _Part(wish, texts[some], vectors[some], Future[Sequence[Found]]())
            self._line.add(len(part.texts), part)
            done = await asyncio.wrap_future(part.future)
            found += done
        return found

    def close(self) -> None:
        """End the thread when the scan under way is done."""
        self._line.close()
        self._thread.join()

    def _work(self) -> None:
        while (first := self._line.take()) is not None:
            parts = [first, *self._line.take_more(_Fitting(first))]
            wanted = [part for part in parts if part.future.set_running_or_notify_cancel()]
            if wanted:
                self._do(wanted)

    def _do(self, parts: Sequence[_Part[Found]]) -> None:
        started = time.perf_counter()
        texts = [text for part in parts for text in part.texts]
        try:
            found = self._scan(parts[0].wish, texts, np.concatenate([part.vectors for part in parts]))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            for part in parts:
                part.future.set_exception(error)
            return
        self._ran(len(texts), time.perf_counter() - started)
        start = 0
        for part in parts:
            part.future.set_result(found[start : start + len(part.texts)])
            start += len(part.texts)


class _Fitting:
    """Whether a part wishes the same as a first one, and there is room for it in a scan."""

    def __init__(self, first: _Part[Found]) -> None:
        self._wish = first.wish
        self._left = first.wish.queries - len(first.texts)

    def __call__(self, part: _Part[Found]) -> bool:
        fits = part.wish == self._wish and len(part.texts) <= self._left
        if fits:
            self._left -= len(part.texts)
        return fits
