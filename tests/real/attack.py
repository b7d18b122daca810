"""Attack a server of this project, and watch what a client with a key notices of it.

    python tests/real/attack.py ARTIFACT [--seconds 60] [--connections 64] [--kinds unread,values]

Each kind of attack in turn has all connections for so many seconds, while single names are asked for fifty times a
second. Attackers are a process of their own with the lowest priority, over the loopback interface: they are meant to
cost the server its time, not its processor. Last, under all kinds at once that are refused, the server gets SIGTERM.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from biolord_bench.loads.serve_load import PORT_FOUND, resident_mb
from biolord_bench.workloads.writer import names as write_names

KEY = "benchmark"
NAMES = 4000
PERIOD_S = 0.02
WARM_S = 2.0
ALONE_S = 10.0
REST_S = 10.0
BEFORE_STOP_S = 3.0
STOPS_IN_S = 3.0
ACCEPTED = ("within", "tokens")
"""Kinds that ask for as much as they may: they get it, also from a server that stops, which takes its time."""
MOST_P99 = 3.0
MOST_GROWTH = 1.2


def _post(path: str, body: bytes, head: str = "") -> bytes:
    lines = (f"POST {path} HTTP/1.1", "host: localhost", f"authorization: Bearer {KEY}", f"content-length: {len(body)}")
    return "\r\n".join((*lines, f"{head}\r\n\r\n" if head else "\r\n")).encode() + body


def _texts(*texts: str, more: str = "") -> bytes:
    return b'{"inputs": [%b]%b}' % (b", ".join(b'"%b"' % text.encode() for text in texts), more.encode())


def attacks() -> dict[str, bytes]:
    """Return what each kind of attacker sends, again and again."""
    script = b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n"
    words = "fever and cough of the heart " * 70_000
    chinese = "\u5fc3\u808c\u6897\u6b7b" * 250_000
    return {
        "unread": 20 * script,
        "tokenize": _post("/tokenize", _texts(words[:2_000_000])),
        "values": _post("/embed", _texts("a", more=', "x": [' + "[]," * 5_200_000 + "[]]")),
        "texts": _post("/embed", _texts(*[words[:2_000_000]] * 7)),
        "chinese": _post("/embed", _texts(chinese[:950_000], chinese[:950_000])),
        "within": _post("/embed", _texts(*[chinese[:90_000]] * 20, more=', "truncate": true')),
        "tokens": _post("/tokenize", _texts(words[:90_000])),
        "smuggle": _post("/embed", b"0\r\n\r\n" + script, "transfer-encoding: chunked"),
        "method": b"X" * 20_000 + b" / HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "head": b"GET /embed HT",
        "body": _post("/embed", b" " * 50_000)[:-1],
        "nothing": b"",
    }


@dataclass
class Seen:
    """What was seen of answers.

    Attributes:
        milliseconds: of each that was 200.
        statuses: of the others, and of the attackers'.
    """

    milliseconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    def percentile(self, share: float) -> float:
        """Milliseconds within which so many per cent came."""
        return float(np.percentile(self.milliseconds, share))


async def attack(port: int, data: bytes, connections: int, seconds: float) -> dict[int, int]:
    """Send something over many connections, anew where the server hangs up; returns how often each status came."""
    statuses: dict[int, int] = {}
    ends = time.perf_counter() + seconds
    reads = not data.startswith(b"GET /docs")

    async def work() -> None:
        while time.perf_counter() < ends:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.transport.set_write_buffer_limits(0)
                writer.write(data)
                if reads and (head := await reader.read(20)):
                    status = int(head.split()[1])
                    statuses[status] = statuses.get(status, 0) + 1
                else:
                    writer.transport.pause_reading()  # type: ignore[attr-defined]
                    await asyncio.sleep(ends - time.perf_counter())
                writer.transport.abort()

    await asyncio.wait([asyncio.ensure_future(work()) for _ in range(connections)], timeout=seconds)
    return statuses


async def ask(port: int, names: Sequence[str], seconds: float) -> Seen:
    """Ask for single names, so many a second, over one connection that is kept."""
    seen = Seen()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ends = time.perf_counter() + seconds
    place = 0
    while (began := time.perf_counter()) < ends:
        writer.write(_post("/embed", _texts(names[place % len(names)])))
        place += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        status, spent = int(head.split(" ", 2)[1]), time.perf_counter() - began
        if status == 200:
            seen.milliseconds.append(1000 * spent)
        else:
            seen.statuses[status] = seen.statuses.get(status, 0) + 1
        await asyncio.sleep(max(0.0, PERIOD_S - spent))
    writer.close()
    return seen


@contextmanager
def attackers(port: int, kinds: Sequence[str], connections: int, seconds: float) -> Iterator[list[dict[int, int]]]:
    """Attack as long as the block runs; fills in what statuses came, by kind."""
    command = [sys.executable, __file__, "--attack", str(port)]
    options = ["--connections", str(connections), "--seconds", str(seconds), "--kinds"]
    running = [subprocess.Popen([*command, *options, kind], stdout=subprocess.PIPE, text=True) for kind in kinds]
    found: list[dict[int, int]] = []
    try:
        for one in running:
            assert one.stdout
            one.stdout.readline()  # it is ready
        yield found
        for one in running:
            output, _ = one.communicate()
            found.append({int(pair.split(":")[0]): int(pair.split(":")[1]) for pair in output.split()})
    finally:
        for one in running:
            one.kill()
            one.wait()


@contextmanager
def server(artifact: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """Start a server with a key on a free port; yields the process, the port and its log."""
    with tempfile.TemporaryDirectory() as folder:
        keys, log = Path(folder, "keys"), Path(folder, "log")
        keys.write_text(KEY, encoding="utf-8")
        command = [sys.executable, "-m", "biolord_onnx.cli.main", "serve", str(artifact), "--port", "0"]
        with log.open("wb") as file:
            process = subprocess.Popen([*command, "--api-key-file", str(keys)], stderr=file)
        try:
            while PORT_FOUND not in (text := log.read_text(encoding="utf-8")):
                if process.poll() is not None:
                    raise RuntimeError(f"the server ended before it listened: {text}")
                time.sleep(0.05)
            yield process, int(text.partition(PORT_FOUND)[2].split()[0]), log
        finally:
            process.kill()
            process.wait()


def measure(artifact: Path, kinds: Sequence[str], connections: int, seconds: float) -> bool:
    """Attack, and print a line for each kind; returns whether all was as it should be."""
    names = write_names(NAMES)
    with server(artifact) as (process, port, log):
        asyncio.run(ask(port, names, WARM_S))
        alone = asyncio.run(ask(port, names, ALONE_S)).percentile(99)
        before = resident_mb(process.pid)
        _say(f"alone: p99 {alone:.1f} ms, {before:.0f} MB resident")
        results = [_one_kind(port, kind, connections, seconds, alone=alone) for kind in kinds]
        time.sleep(REST_S)
        after = resident_mb(process.pid)
        _say(f"{REST_S:.0f} s later: {after:.0f} MB resident, {after / before:.2f} of before")
        with attackers(port, [kind for kind in kinds if kind not in ACCEPTED], connections, BEFORE_STOP_S + 7):
            time.sleep(BEFORE_STOP_S)
            began = time.perf_counter()
            process.terminate()
            code = process.wait()
            stopped = time.perf_counter() - began
        _say(f"under all refused kinds at once: ended {stopped:.1f} s after SIGTERM with {code}")
        _say(f"log: {log.stat().st_size / 1e6:.1f} MB, {log.read_text().count('Traceback')} tracebacks")
    return all(results) and after <= MOST_GROWTH * before and stopped <= STOPS_IN_S and code == 0


def _one_kind(port: int, kind: str, connections: int, seconds: float, *, alone: float) -> bool:
    names = write_names(NAMES)
    with attackers(port, [kind], connections, seconds) as found:
        seen = asyncio.run(ask(port, names, seconds - 0.5))
    (theirs,) = found
    p99 = seen.percentile(99)
    _say(
        f"{kind}: p50 {seen.percentile(50):.1f} ms, p99 {p99:.1f} ms, {p99 / alone:.1f} times that alone; "
        f"refused {seen.statuses}; attackers got {theirs}"
    )
    return p99 <= MOST_P99 * alone and not seen.statuses and all(status < 500 for status in theirs)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(given: Sequence[str] | None = None) -> int:
    """Measure and print; returns 1 where a client with a key notices too much."""
    parser = argparse.ArgumentParser(prog="python tests/real/attack.py", description="attack a server")
    parser.add_argument("artifact", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--kinds", default=",".join(attacks()))
    parser.add_argument("--attack", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(given)
    kinds = asked.kinds.split(",")
    if asked.attack:
        data = attacks()[kinds[0]]
        os.nice(19)
        _say("ready")
        statuses = asyncio.run(attack(asked.attack, data, asked.connections, asked.seconds))
        _say(" ".join(f"{status}:{count}" for status, count in sorted(statuses.items())))
        return 0
    if asked.artifact is None:
        parser.error("the artifact is missing")
    return 0 if measure(asked.artifact, kinds, asked.connections, asked.seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
