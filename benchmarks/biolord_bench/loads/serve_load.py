"""Load a server of this project with mixed requests, beside what the library does with the same texts.

    python -m biolord_bench.loads.serve_load ARTIFACT [--seconds 60] [--connections 64]

Of a hundred requests ninety are single names and ten hold 64 names each. Server and load share the machine's cores,
over the loopback interface. Three phases: one connection, single names, for a quiet p50; all connections as fast as
they get answers; and half of the rate that this reached, with single names timed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import psutil

from biolord_bench.workloads.writer import names as write_names
from biolord_onnx import Embedder

LARGE = 64
SHARE_OF_LARGE = 0.1
NAMES = 4000
QUIET_REQUESTS = 200
PORT_FOUND = "running on http://127.0.0.1:"


@dataclass
class Tally:
    """What a phase saw: ``errors`` are answers that weren't 200, ``single_ms`` times of requests of one text."""

    texts: int = 0
    errors: int = 0
    single_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, texts: Sequence[str], status: int, began: float, started: float) -> None:
        """Count an answer that just came to a request that began then, in a phase that started then."""
        now = time.perf_counter()
        self.seconds = now - started
        self.errors += status != 200
        self.texts += len(texts)
        if len(texts) == 1:
            self.single_ms.append(1000 * (now - began))

    @property
    def rate(self) -> float:
        """Texts a second."""
        return self.texts / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which so many per cent of single texts were answered."""
        return float(np.percentile(self.single_ms, share))


def requests(names: Sequence[str], seed: int, share_of_large: float = SHARE_OF_LARGE) -> Iterator[list[str]]:
    """Make requests up, without end; the same ones for the same seed."""
    draw = random.Random(seed)
    while True:
        yield draw.sample(names, LARGE if draw.random() < share_of_large else 1)


@asynccontextmanager
async def client(port: int) -> AsyncIterator[Callable[[list[str]], Awaitable[int]]]:
    """Connect, and yield what asks for vectors over this connection and returns the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def embed(texts: list[str]) -> int:
        body = json.dumps({"input": texts, "encoding_format": "base64"}).encode()
        head = f"POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await reader.readexactly(int(answer.partition("content-length: ")[2].partition("\r\n")[0]))
        return int(answer.split(" ", 2)[1])

    try:
        yield embed
    finally:
        writer.close()
        await writer.wait_closed()


async def load(
    port: int, names: Sequence[str], connections: int, seconds: float, *, rate: float | None = None, seed: int = 1
) -> Tally:
    """Send mixed requests over some connections; ``rate`` bounds texts a second, all connections together."""
    tally = Tally()
    mean_texts = 1 + SHARE_OF_LARGE * (LARGE - 1)
    pause = connections * mean_texts / rate if rate else 0.0
    started = time.perf_counter()

    async def work(number: int) -> None:
        draw = random.Random(number)
        async with client(port) as embed:
            await asyncio.sleep(draw.random() * pause)
            for texts in requests(names, 1000 * seed + number):
                began = time.perf_counter()
                if began - started > seconds:
                    break
                tally.note(texts, await embed(texts), began, started)
                spent = time.perf_counter() - began
                await asyncio.sleep(max(0.0, draw.expovariate(1 / pause) - spent) if pause else 0)

    await asyncio.gather(*(work(number) for number in range(connections)))
    return tally


async def quiet(port: int, names: Sequence[str]) -> Tally:
    """Send single names one after the other."""
    tally, started = Tally(), time.perf_counter()
    async with client(port) as embed:
        for texts in islice(requests(names, 7, share_of_large=0), QUIET_REQUESTS):
            began = time.perf_counter()
            tally.note(texts, await embed(texts), began, started)
    return tally


def start_server(artifact: Path) -> tuple[subprocess.Popen[str], int]:
    """Start the server on a free port; returns the process and the port."""
    command = [sys.executable, "-m", "biolord_onnx.cli.main", "serve", str(artifact), "--port", "0", "--quiet"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if PORT_FOUND in line:
            return process, int(line.partition(PORT_FOUND)[2].split()[0])
    raise RuntimeError("the server ended before it listened")


def library_rate(artifact: Path, names: Sequence[str]) -> float:
    """Return the texts a second that the library reaches with all names at once."""
    with Embedder.load(artifact) as embedder:
        embedder.encode(names[:LARGE])
        started = time.perf_counter()
        embedder.encode(names)
        return len(names) / (time.perf_counter() - started)


def resident_mb(pid: int) -> float:
    """Return the memory of a process."""
    return float(psutil.Process(pid).memory_info().rss / 1e6)


def main(given: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m biolord_bench.loads.serve_load", description="load a server")
    parser.add_argument("artifact", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=64)
    asked = parser.parse_args(given)
    names = write_names(NAMES)
    library = library_rate(asked.artifact, names)
    process, port = start_server(asked.artifact)
    try:
        alone = asyncio.run(quiet(port, names))
        first = resident_mb(process.pid)
        full = asyncio.run(load(port, names, asked.connections, asked.seconds))
        half = asyncio.run(load(port, names, asked.connections, asked.seconds, rate=full.rate / 2, seed=2))
        last = resident_mb(process.pid)
    finally:
        process.terminate()
        process.communicate()
    slow = half.percentile(99)
    lines = (
        f"library in bulk: {library:.0f} texts/s",
        f"server, {asked.connections} connections: {full.rate:.0f} texts/s, {full.rate / library:.2f} of the library's",
        f"errors: {alone.errors + full.errors + half.errors}",
        f"single text alone: p50 {alone.percentile(50):.1f} ms, p99 {alone.percentile(99):.1f} ms",
        f"single text at full load: p50 {full.percentile(50):.1f} ms, p99 {full.percentile(99):.1f} ms",
        f"single text at half load ({half.rate:.0f} texts/s): p50 {half.percentile(50):.1f} ms, p99 {slow:.1f} ms",
        f"p99 at half load: {slow / alone.percentile(50):.1f} times the p50 alone",
        f"memory: {first:.0f} MB before, {last:.0f} MB after {full.texts + half.texts} texts",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
