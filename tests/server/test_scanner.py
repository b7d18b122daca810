"""Which queries are searched together, and in which order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_onnx.server.work.scanner import HITS, QUERIES, Scanner, Wish
from unit.runtime.command import PATIENCE

TEN = Wish(10)


@dataclass
class Scans:
    """What was scanned, by a scan that can be held up and that tells each query's wish, text and vector."""

    seen: list[tuple[Wish, list[str]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def __call__(self, wish: Wish, texts: Sequence[str], vectors: NDArray[np.float32]) -> list[str]:
        """Scan."""
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        self.seen.append((wish, [*texts]))
        if "bad" in texts:
            raise ZeroDivisionError
        return [f"{wish.top} {text} {vector[0]:.0f}" for text, vector in zip(texts, vectors, strict=True)]


@contextmanager
def scanning() -> Iterator[tuple[Scanner[str], Scans]]:
    """Give a scanner whose scans wait until they are let go."""
    scans = Scans()
    scanner = Scanner(scans)
    try:
        yield scanner, scans
    finally:
        scans.gate.set()
        scanner.close()


async def busy(scanner: Scanner[str], scans: Scans) -> asyncio.Task[list[str]]:
    """Give the thread something to do, so that what comes then waits."""
    task = asyncio.ensure_future(ask(scanner, Wish(999), ["first"]))
    await asyncio.to_thread(scans.begun.wait, PATIENCE)
    return task


async def ask(scanner: Scanner[str], wish: Wish, texts: Sequence[str]) -> list[str]:
    """Search, with numbers for vectors."""
    return await scanner.search(wish, texts, np.arange(len(texts), dtype=np.float32)[:, None])


@given(st.lists(st.tuples(st.integers(1, 40), st.sampled_from([1, 10, 400, 5000])), min_size=1, max_size=12))
def test_everybody_gets_the_hits_of_their_own_queries(requests: list[tuple[int, int]]) -> None:
    """In their order, however they were put together; no scan is larger than it may be."""

    async def run(scanner: Scanner[str], scans: Scans) -> list[list[str]]:
        first = await busy(scanner, scans)
        tasks = [
            asyncio.ensure_future(ask(scanner, Wish(top), [f"r{number}q{place}" for place in range(count)]))
            for number, (count, top) in enumerate(requests)
        ]
        await asyncio.sleep(0)
        scans.gate.set()
        await first
        return [await task for task in tasks]

    with scanning() as (scanner, scans):
        found = asyncio.run(run(scanner, scans))
    for number, (count, top) in enumerate(requests):
        assert found[number] == [f"{top} r{number}q{place} {place}" for place in range(count)]
    for wish, texts in scans.seen:
        assert len(texts) <= max(1, min(QUERIES, HITS // wish.top))


def test_single_queries_that_wait_are_scanned_together() -> None:
    """Those of equal wishes; a large request that came before has its next part after them."""
    other = replace(TEN, where=(("class", ("a",)),))

    async def run(scanner: Scanner[str], scans: Scans) -> None:
        first = await busy(scanner, scans)
        large = asyncio.ensure_future(ask(scanner, TEN, ["large"] * 3 * QUERIES))
        await asyncio.sleep(0)
        small = [asyncio.ensure_future(ask(scanner, TEN, ["small"])) for _ in range(5)]
        small += [asyncio.ensure_future(ask(scanner, other, ["other"])) for _ in range(2)]
        await asyncio.sleep(0)
        scans.gate.set()
        await asyncio.gather(first, large, *small)

    with scanning() as (scanner, scans):
        asyncio.run(run(scanner, scans))
    assert scans.seen[1:3] == [(TEN, ["small"] * 5), (other, ["other"] * 2)]
    assert [texts for _, texts in scans.seen[3:]] == [["large"] * QUERIES] * 3


def test_who_gave_up_is_not_scanned() -> None:
    """Neither first in line nor with others."""

    async def run(scanner: Scanner[str], scans: Scans) -> None:
        first = await busy(scanner, scans)
        tasks = [asyncio.ensure_future(ask(scanner, wish, ["gone"])) for wish in (TEN, TEN, Wish(20))]
        kept = asyncio.ensure_future(ask(scanner, TEN, ["kept"]))
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        scans.gate.set()
        await asyncio.gather(first, kept)

    with scanning() as (scanner, scans):
        asyncio.run(run(scanner, scans))
        assert asyncio.run(ask(scanner, TEN, ["after"])) == ["10 after 0"]
    assert [texts for _, texts in scans.seen] == [["first"], ["kept"], ["after"]]


def test_a_fault_is_raised_where_it_is_awaited() -> None:
    """And the thread goes on."""
    with scanning() as (scanner, scans):
        scans.gate.set()
        with pytest.raises(ZeroDivisionError):
            asyncio.run(ask(scanner, TEN, ["bad"]))
        assert asyncio.run(ask(scanner, TEN, ["good"])) == ["10 good 0"]
        assert scanner.alive
    assert not scanner.alive


def test_scans_are_told() -> None:
    """With how many queries they had."""
    told: list[tuple[int, bool]] = []
    scans = Scans()
    scans.gate.set()
    scanner = Scanner(scans, lambda queries, seconds: told.append((queries, seconds >= 0)))
    asyncio.run(ask(scanner, TEN, ["a"] * (QUERIES + 1)))
    scanner.close()
    assert told == [(QUERIES, True), (1, True)]
