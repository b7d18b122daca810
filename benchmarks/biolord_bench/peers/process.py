"""A worker process as the driver sees it."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from biolord_bench.peers.journal import Data

REPOSITORY = Path(__file__).parents[3]
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "true",
    # Not every tool turns it off, and its threads would look up a host while somebody is measured.
    "ORT_DISABLE_TELEMETRY": "1",
}
_ERROR = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt)\b.*", re.MULTILINE)
_SHOWN = 200
_STOPPING_S = 10


class WorkerError(Exception):
    """A worker ended or hung; the message is the tool's own reason."""


class WorkerProcess:
    """One tool in its own process, which waits, stopped, while others are measured.

    A stopped process (SIGSTOP) uses no processor at all. Thread pools of some tools spin for a while after their last
    run, some have threads that wake up regularly; neither may slow down whoever is measured next.
    """

    def __init__(self, command: Sequence[str], threads: int, log: Path) -> None:
        """Start the process; its libraries' output goes to ``log``."""
        self.started = time.perf_counter()
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env={**os.environ, **OFFLINE, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": _python_path()},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
            )
        self._rest = b""

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(self, timeout: float, **request: object) -> Data:
        """Send a request and wait for its answer.

        Raises:
            WorkerError: the process ended, or didn't answer within ``timeout`` seconds.
        """
        line = json.dumps(request).encode() + b"\n"
        try:
            self._pipe(self._process.stdin).write(line)
        except BrokenPipeError:
            raise WorkerError(self._reason()) from None
        answer: Data = json.loads(self._read_line(timeout))
        return answer

    def pause(self) -> None:
        """Stop the process until `resume`."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self.resume()
            self._pipe(self._process.stdin).close()
            try:
                self._process.wait(_STOPPING_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            self._pipe(pipe).close()

    def _read_line(self, timeout: float) -> bytes:
        until = time.monotonic() + timeout
        output = self._pipe(self._process.stdout)
        while b"\n" not in self._rest:
            ready, _, _ = select.select([output], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                self._process.kill()
                raise WorkerError(f"no answer within {timeout:.0f} s")
            piece = os.read(output.fileno(), 1 << 16)
            if not piece:
                raise WorkerError(self._reason())
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _reason(self) -> str:
        code = self._process.wait(_STOPPING_S)
        return reason(self._log.read_text(encoding="utf-8", errors="replace")) or f"ended with code {code}"

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise WorkerError("the worker was started without pipes")
        return pipe


def reason(output: str) -> str:
    """Return the line of a failed process's output that says why: its last exception, else its last line."""
    errors = _ERROR.findall(output)
    lines = [line.strip() for line in (errors or output.splitlines()) if line.strip()]
    last = lines[-1] if lines else ""
    return last if len(last) <= _SHOWN else f"{last[:_SHOWN]}…"


def _python_path() -> str:
    """Return where the workers find this package: beside whatever the driver itself was given."""
    return os.pathsep.join(part for part in (str(REPOSITORY / "benchmarks"), os.environ.get("PYTHONPATH", "")) if part)
