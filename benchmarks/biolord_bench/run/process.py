"""A worker process as the driver sees it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from biolord_bench.run.jobs import Job
from biolord_bench.run.journal import Data

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "true",
    # Not every tool turns it off, and its threads would look up a host during a measurement.
    "ORT_DISABLE_TELEMETRY": "1",
}
_ERROR = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt)\b.*", re.MULTILINE)
_SHOWN = 200
_STOPPING_S = 10


class WorkerError(Exception):
    """A worker ended or hung; the message is the tool's own reason."""


@dataclass(frozen=True, slots=True)
class Resident:
    """Resident memory of a process in MB of 10^6 bytes: all of it, and the part that no other process has."""

    all_mb: float
    private_mb: float


class WorkerProcess:
    """One tool in its own process, which waits, stopped, while others are measured.

    A stopped process uses no processor at all. Thread pools of some tools spin for a while after their last run, some
    have threads that wake up regularly; neither may slow down the next measurement.
    """

    def __init__(self, command: list[str], threads: int, log: Path, packages: Path | None = None) -> None:
        """Start a process that logs to ``log`` and finds this package in ``packages`` where it isn't installed."""
        self.started = time.perf_counter()
        self._log, self._hung = log, False
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                env=_environment(threads, packages),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._system = psutil.Process(self._process.pid)

    @classmethod
    def of(cls, job: Job, log: Path) -> WorkerProcess:
        """Start a job's process."""
        command = [str(job.python), "-m", "biolord_bench.worker", job.settings.to_json()]
        return cls(command, job.settings.threads, log, job.packages)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(self, timeout: float, **request: object) -> Data:
        """Send a request and wait for its answer.

        Raises:
            WorkerError: The process ended, or didn't answer within ``timeout`` seconds.
        """
        timer = threading.Timer(timeout, self._give_up)
        timer.start()
        try:
            answer = self._exchange(json.dumps(request).encode() + b"\n")
        finally:
            timer.cancel()
        if self._hung:
            raise WorkerError(f"no answer within {timeout:.0f} s")
        if not answer.endswith(b"\n"):
            raise WorkerError(self._reason())
        data: Data = json.loads(answer)
        return data

    def memory(self) -> Resident:
        """Measure its resident memory.

        Raises:
            WorkerError: The process ended.
        """
        try:
            found = self._system.memory_full_info()
        except psutil.NoSuchProcess:
            raise WorkerError(self._reason()) from None
        return Resident(found.rss / 1e6, found.uss / 1e6)

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used, all threads, user and system; also once it has ended."""
        times = self._system.cpu_times()
        return float(times.user + times.system)

    def pause(self) -> None:
        """Stop the process until `resume`; if it has ended, the next `ask` raises."""
        with suppress(psutil.NoSuchProcess):
            self._system.suspend()

    def resume(self) -> None:
        """Let the process continue."""
        with suppress(psutil.NoSuchProcess):
            self._system.resume()

    def stop(self) -> None:
        """End the process."""
        if self._process.poll() is None:
            self.resume()
            _close(self._process.stdin)
            try:
                self._process.wait(_STOPPING_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _close(pipe)

    def _exchange(self, request: bytes) -> bytes:
        try:
            _pipe(self._process.stdin).write(request)
            _pipe(self._process.stdin).flush()
        except BrokenPipeError:
            return b""
        return _pipe(self._process.stdout).readline()

    def _give_up(self) -> None:
        self._hung = True
        self._process.kill()

    def _reason(self) -> str:
        code = self._process.wait(_STOPPING_S)
        ended = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return reason(self._log.read_text(encoding="utf-8", errors="replace")) or ended


def reason(output: str) -> str:
    """Return the line of a failed process's output that says why: its last exception, else its last line."""
    errors = _ERROR.findall(output)
    lines = [line.strip() for line in (errors or output.splitlines()) if line.strip()]
    last = lines[-1] if lines else ""
    return last if len(last) <= _SHOWN else f"{last[:_SHOWN]}…"


def memory_available() -> float:
    """Return what could still be allocated on this machine without swapping, in MB."""
    return float(psutil.virtual_memory().available / 1e6)


def _environment(threads: int, packages: Path | None) -> dict[str, str]:
    environment = {**os.environ, **OFFLINE, "OMP_NUM_THREADS": str(threads)}
    return environment if packages is None else environment | {"PYTHONPATH": str(packages)}


def _close(pipe: IO[bytes] | None) -> None:
    with suppress(BrokenPipeError):  # it had ended before it read what it was asked
        _pipe(pipe).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise WorkerError("the worker was started without pipes")
    return pipe
